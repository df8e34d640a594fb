// The count: how many threads the next launch on a thread gets. The first rule that applies:
//
//   1. numba.set_num_threads(n) was called on this thread: n
//   2. numba_ompsafe.set_default_num_threads(n) was called in this process: n
//   3. NUMBA_NUM_THREADS is set in the environment or in Numba's config file: that
//   4. nthreads-var of this thread, as torch, OMP_NUM_THREADS or anybody else left it
//
// capped at numba.config.NUMBA_NUM_THREADS. Nothing here changes an ICV of the calling thread.
#pragma once

#include <cstdint>

namespace ompsafe {

// What the process says, once for all threads; 0 where it says nothing.
void set_thread_limit(int numba_config_num_threads);
void set_environment_count(int numba_num_threads);
void set_process_default(int n);
int process_default();

// The layer's get_num_threads, set_num_threads and get_thread_id, as generated code calls them:
// Numba's JIT reads a full intp. A mask below 1 is ignored; Numba rejects it before it gets here.
extern "C" std::intptr_t ompsafe_get_num_threads();
extern "C" void ompsafe_set_num_threads(int n);
extern "C" std::intptr_t ompsafe_get_thread_id();

// Back from rule 1 to the others, on this thread.
void clear_mask();

}  // namespace ompsafe
