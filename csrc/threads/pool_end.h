// When the calling thread's pool of GNU's runtime ends, but for a fork (fork.h).
//
// libgomp ends the pool of a thread that ends by pthread_exit in each of its threads, without
// waiting for them. That unwinds their stacks under a lock of libgcc's, and a child that was forked
// meanwhile finds the lock taken as soon as Numba compiles something there. So a thread that
// launched ends its pool itself, waits for it, and no fork happens until then.
#pragma once

namespace ompsafe {

// To be called before the calling thread builds a pool: see above. Once the pool has ended with its
// thread (pool_ended of ThreadState), none is to be built: what the thread may still launch, in a
// destructor, is shared.
void end_pool_with_this_thread();

// Ends the calling thread's pool now, if the runtime is GNU's.
void end_pool_of_this_thread();

}  // namespace ompsafe
