// Which team runs the slots of a launch.
//
//   case                                                 team
//   ---------------------------------------------------- -----------------------------------------
//   one slot, one piece of work or one iteration         none: the caller runs it at once
//   the caller's pool did not survive a fork             n threads of another pool, see
//                                                        primary_thread.h
//   the same, and forks are left to the runtime          none: the caller runs all slots in turn
//   (NUMBA_OMPSAFE_FORK=0)
//   inside a parallel region of anybody, and the ICVs    none: the caller runs all slots in turn
//   allow no deeper active one (the default)
//   inside a parallel region, and a deeper one may be    n threads
//   the launch is known to be tiny                       none: the caller runs all slots in turn
//   a team is dear, and the launch is known to be brief  none: the caller runs all slots in turn
//   torch shares the pool, n <= nthreads-var             nthreads-var threads, surplus ones go
//                                                        straight to the barrier
//   torch shares the pool, n > nthreads-var > 1          n threads of another pool
//   torch shares the pool, nthreads-var is 1             n threads: torch has no pool then
//   nobody else uses the pool                            n threads
//
// A runtime keeps a pool of idle threads for each primary thread, and libgomp ends and starts
// threads of it whenever the size of the team changes. That costs far more than waking a few
// threads in excess: torch's regions always take nthreads-var threads, so ours do too where they
// share. (Where torch has not set nthreads-var of a thread yet, what it will be counts:
// pool_size_here.)
//
// A team is dear where the caller has no pool yet, and where pools hold more threads than there are
// cores (crowd.h). history.h tells which launches are brief, and which are tiny. Of a kernel that
// is known to compute, and not to wait, n threads are never more than the cores, where the pool is
// the caller's alone: more would only wait for each other. (A program that launches kernels of both
// kinds in turns, with n larger than the cores, has its pool change its size.)
//
// Where the system does not give the threads of a team that has yet to be started
// (thread_supply.h), there are fewer: those of the caller's pool and what can be had. None, where
// torch may have built that pool: it keeps its size. In place of another pool, the caller's.
#pragma once

namespace ompsafe {

class Launch;

// Runs all slots of `launch` and returns when they are done.
void run_slots_in_team(Launch& launch);

}  // namespace ompsafe
