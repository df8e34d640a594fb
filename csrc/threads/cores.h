// The cores that launches are spread over: those of the places to which the runtime binds threads,
// those that the main thread may use, and those that threads that launch may. They only ever become
// more: whether a pool's threads have been confined, too, nobody knows.
#pragma once

#include "openmp/runtime.h"

namespace ompsafe::cores {

// Adds what there is now. Two system calls.
void look(const Runtime& runtime);

// How many there are; at least 1.
int count();

// Lets the calling thread run on all of them.
void use_all();

// In the child of a fork: another thread may have been adding some.
void after_fork_in_child();

}  // namespace ompsafe::cores
