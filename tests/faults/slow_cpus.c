/* Preloaded, has what the system says of its processors come late, as where there are many. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

int open(const char* path, int flags, ...) {
  if (strcmp(path, "/sys/devices/system/cpu/possible") == 0) usleep(500000);
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return ((__typeof__(&open))dlsym(RTLD_NEXT, "open"))(path, flags, mode);
}
