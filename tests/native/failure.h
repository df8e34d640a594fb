// A promise that does not hold ends the program, and says which.
#pragma once

namespace native {

[[noreturn]] void fail(const char* what, long got, long wanted);

inline void expect_equal(const char* what, long got, long wanted) {
  if (got != wanted) fail(what, got, wanted);
}

inline void expect_below(const char* what, long got, long limit) {
  if (got < 0 || got >= limit) fail(what, got, limit);
}

}  // namespace native
