// Slots run by a team of the runtime's, in one parallel region: its threads are the ones that other
// regions of the calling thread use, torch's among them, and often still spin. But its barrier
// waits for all of them, whatever they do. Beside processes that have the cores one that has none
// may come late by milliseconds, though it has no slot to run. So a launch sees how long it waited
// for its barrier alone, and where that is long, regions are done without for a while.
#pragma once

#include <cstdint>

namespace ompsafe {

class Launch;
class Runtime;

namespace region {

// The largest team that the calling thread, which is in no region, may have for a launch of
// `threads`; 0 if it should have none:
//   - its pool did not survive a fork
//   - torch shares the pool, and `threads` are more than it has
//   - they are more than there are cores: libgomp's idle threads hardly spin then, torch's neither
//   - the runtime would bind its threads to cores that the process has been confined to leave
//   - it has no pool yet and may end soon: a pool is built by who will use it again
//   - it has no pool yet, and those of other threads hold as many threads as there are cores
// With torch the team has the size of torch's regions (nthreads-var, see pool_size_here), surplus
// members go straight to the barrier: libgomp ends and starts threads whenever the size changes.
unsigned team_here(const Runtime& runtime, unsigned threads);

// What a region of the calling thread takes that has nothing to do, in nanoseconds; 0 where its
// pool has yet to be built.
std::int64_t empty_ns();

// Whether regions waited lately for threads that had lost their cores.
bool lose_time();

// Runs the slots with a team of `team_size`, as found by team_here, `threads` of which are at work.
void run(const Runtime& runtime, Launch& launch, unsigned team_size, unsigned threads);

}  // namespace region
}  // namespace ompsafe
