// What a thread does, step by step.
#pragma once

#include <mutex>

#include "random.h"

namespace native {

// What a thread does from its beginning to its end.
void live(Random random);

// What a kernel does beside its work. `depth`: how many more levels of launches it may make.
// `of_launch`: a lock that all kernels of its launch may want, whatever is launched under it.
void do_something_in_a_kernel(Random& random, int depth, std::mutex& of_launch);

}  // namespace native
