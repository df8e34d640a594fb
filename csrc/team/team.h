// How a launch is run: by its caller alone, by a team of the runtime's, or with whoever has nothing
// to do.
//
//   alone, slot after slot     one slot, one piece of work or one iteration; threads would gain
//                              nothing, by what it takes to set them to work here and now and by
//                              what is known of the kernel (history.h); or the caller is in a
//                              parallel region of somebody else's, and the ICVs allow no deeper one
//   by a team (region.h)       on the pool that the calling thread has, or may have
//   shared (share.h)           where no team is to be had, or would wait for its own threads:
//                              inside of a launch, and for one in which others were made before;
//                              while other threads launch, and for some launches after that;
//                              where regions have waited for threads that had lost their cores
//
// Of a kernel that is known to compute, and not to wait, no more threads than cores take part.
#pragma once

namespace ompsafe {

class Launch;

// Runs all slots of `launch` and returns when they are done.
void run_slots_in_team(Launch& launch);

}  // namespace ompsafe
