// Whether the pools that launches have built crowd the cores: whether they hold more threads, all
// together, than there are cores. Then a team takes long to set to work. libgomp lets its idle
// threads spin for a moment only, so that they have to be woken, and members may have to wait for
// each other's cores.
#pragma once

namespace ompsafe {

class Runtime;

namespace crowd {

bool crowded(const Runtime& runtime);

// The calling thread's pool has, or is about to have, so many threads with itself; 0 for none, as
// at the thread's start.
void count_pool(int threads);

// In the child of a fork: the pools of other threads are gone.
void forget_pools();

}  // namespace crowd
}  // namespace ompsafe
