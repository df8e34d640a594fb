// The count: how many threads the next launch on a thread gets. The first rule that applies:
//
//   1. numba.set_num_threads(n) was called on this thread: n
//   2. numba_ompsafe.set_default_num_threads(n) was called in this process: n
//   3. NUMBA_NUM_THREADS is set in the environment or in Numba's config file: that
//   4. nthreads-var of this thread, as torch, OMP_NUM_THREADS or anybody else left it
//
// capped at numba.config.NUMBA_NUM_THREADS and at the limit that threadpoolctl has set for this
// thread, if any. Nothing here changes an ICV of the calling thread, but that torch may set its
// default on the main thread sooner than it would have (settle_torch).
#pragma once

#include <cstdint>

namespace ompsafe {

// What the process says, once for all threads; 0 where it says nothing.
void set_numba_limit(int numba_config_num_threads);
void set_environment_count(int numba_num_threads);
void set_process_default(int n);
int process_default();

// The count on the calling thread now: numba.get_num_threads().
extern "C" int ompsafe_current_num_threads();

// The same for generated code, which asks up to three times for one launch: for the size of a
// reduction's array, for the schedule and for parallel_for. It must hear one number, though another
// thread may change the process default or torch's count meanwhile. So the first answer holds until
// the launch, or until this thread sets something itself. Numba's JIT reads a full intp.
extern "C" std::intptr_t ompsafe_num_threads_of_launch();
void end_of_preparation();

// The layer's set_num_threads and get_thread_id. It sets the mask and lifts the limit: what was
// said last holds. A mask below 1 is ignored; Numba rejects it before it gets here.
extern "C" void ompsafe_set_num_threads(int n);
extern "C" std::intptr_t ompsafe_get_thread_id();

// The mask of this thread, 0 for none: back from rule 1 to the others.
void set_mask(int n);
int mask();

// threadpoolctl's limit on this thread, 0 for none.
void set_limit(int n);
int limit();

// Whether torch's count on this thread can no longer be taken by another thread, as far as the
// layer has seen to it.
bool torch_is_settled();

// The number of the rule that applies on this thread.
int rule();

// Rule 4 alone and without the cap: the size of the pool that torch's regions have, or will have,
// on this thread.
int pool_size_here();

}  // namespace ompsafe
