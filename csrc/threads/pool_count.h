// How many threads the pools hold that launches have built, all together: no more than there are
// cores, so that they grow neither with the Python threads nor with what these ask for.
#pragma once

#include <cstdint>

namespace ompsafe::pool_count {

// So many launches a thread makes before it builds a pool, which takes as long as dozens of them.
constexpr std::uint8_t kLaunchesWithout = 64;

int threads();

// The calling thread's pool has, or is about to have, so many threads with itself; 0 for none, as
// at the thread's start.
void set_here(int threads);

// In the child of a fork: the pools of other threads are gone.
void forget();

}  // namespace ompsafe::pool_count
