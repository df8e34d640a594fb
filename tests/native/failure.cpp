#include "failure.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "watch.h"

namespace native {

void fail(const char* what, long got, long wanted) {
  std::fprintf(stderr, "process %d: %s: got %ld, wanted %ld\n", getpid(), what, got, wanted);
  tell_steps();
  std::abort();
}

}  // namespace native
