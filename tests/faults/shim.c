/* Has calls of the C library's functions fail on purpose, in a process that it is preloaded into.
 *
 * The environment says which, when the process starts and whenever faults_begin() is called:
 *
 *   FAULTS_IN      pthread_create, dlopen, mmap, malloc (and calloc, realloc), or proc: whatever
 *                  opens or looks at a path in /proc or /sys
 *   FAULTS_BY      a part of the path of the library whose calls are counted; any, if it is not set
 *   FAULTS_FIRST   the first of these calls that fails, from 1 on
 *   FAULTS_LAST    the last one; all after the first, if it is not set
 *   FAULTS_ERRNO   what it fails with
 *
 * A call that is made for another one, by what is here or by the C library itself, is not counted.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* glibc's own, for what dlsym itself may need. */
extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* memory, size_t size);

static char function[32], caller[256];
static long first, last;
static int error;
static atomic_long counted, failed;

static long number(const char* name, long otherwise) {
  const char* text = getenv(name);
  return text == NULL ? otherwise : atol(text);
}

static void word(char* to, size_t size, const char* name) {
  const char* text = getenv(name);
  snprintf(to, size, "%s", text == NULL ? "" : text);
}

__attribute__((constructor)) void faults_begin(void) {
  function[0] = '\0'; /* nothing is counted meanwhile */
  first = number("FAULTS_FIRST", LONG_MAX);
  last = number("FAULTS_LAST", LONG_MAX);
  error = (int)number("FAULTS_ERRNO", ENOMEM);
  counted = failed = 0;
  word(caller, sizeof caller, "FAULTS_BY");
  word(function, sizeof function, "FAULTS_IN");
}

/* How many calls were counted since, and how many of them have failed. */
long faults_counted(void) { return counted; }
long faults_failed(void) { return failed; }

static bool counts(const char* name, const void* return_address) {
  if (function[0] == '\0' || strcmp(function, name) != 0) return false;
  if (caller[0] == '\0') return true;
  Dl_info info;
  return dladdr(return_address, &info) != 0 && strstr(info.dli_fname, caller) != NULL;
}

static bool fails(const char* name, const void* return_address) {
  if (!counts(name, return_address)) return false;
  const long call = atomic_fetch_add(&counted, 1) + 1;
  if (call < first || call > last) return false;
  atomic_fetch_add(&failed, 1);
  errno = error;
  return true;
}

#define FAILS(name) fails(name, __builtin_return_address(0))
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) {
  if (FAILS("pthread_create")) return error;
  return REAL(pthread_create)(thread, attributes, body, argument);
}

/* One that fails has dlerror() say so. */
void* dlopen(const char* file, int mode) {
  if (FAILS("dlopen")) file = "/a/library/that/fails/on/purpose";
  return REAL(dlopen)(file, mode);
}

#define MAPS(name)                                                                          \
  void* name(void* address, size_t length, int protection, int flags, int file, off_t at) { \
    if (FAILS("mmap")) return MAP_FAILED;                                                   \
    return REAL(name)(address, length, protection, flags, file, at);                        \
  }
MAPS(mmap)
MAPS(mmap64)

void* malloc(size_t size) { return FAILS("malloc") ? NULL : __libc_malloc(size); }

void* calloc(size_t count, size_t size) {
  return FAILS("malloc") ? NULL : __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size) {
  return FAILS("malloc") ? NULL : __libc_realloc(memory, size);
}

static bool is_kernels(const char* path) {
  return strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
}

#define PATH_FAILS(path) (is_kernels(path) && FAILS("proc"))

#define OPENS(name)                                \
  int name(const char* path, int flags, ...) {     \
    if (PATH_FAILS(path)) return -1;               \
    va_list arguments;                             \
    va_start(arguments, flags);                    \
    const mode_t mode = va_arg(arguments, mode_t); \
    va_end(arguments);                             \
    return REAL(name)(path, flags, mode);          \
  }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                     \
  int name(int folder, const char* path, int flags, ...) { \
    if (PATH_FAILS(path)) return -1;                       \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    const mode_t mode = va_arg(arguments, mode_t);         \
    va_end(arguments);                                     \
    return REAL(name)(folder, path, flags, mode);          \
  }
OPENS_AT(openat)
OPENS_AT(openat64)

#define OPENS_FILE(name)                           \
  FILE* name(const char* path, const char* mode) { \
    if (PATH_FAILS(path)) return NULL;             \
    return REAL(name)(path, mode);                 \
  }
OPENS_FILE(fopen)
OPENS_FILE(fopen64)

#define LOOKS_AT(name, kind)                       \
  int name(const char* path, struct kind* found) { \
    if (PATH_FAILS(path)) return -1;               \
    return REAL(name)(path, found);                \
  }
LOOKS_AT(stat, stat)
LOOKS_AT(stat64, stat64)
LOOKS_AT(lstat, stat)
LOOKS_AT(lstat64, stat64)

DIR* opendir(const char* path) {
  if (PATH_FAILS(path)) return NULL;
  return REAL(opendir)(path);
}
