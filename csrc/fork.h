// What happens to OpenMP's pools at a fork, where the runtime does not see to it itself (GNU's).
//
// The pool of the thread that forks does not survive in the child, and the runtime does not know:
// its next parallel region there would wait for ever. So the pool is ended before the fork, and
// parent and child each build a new one at their next launch. Where that cannot be (the runtime
// refuses inside of a parallel region; the layer was loaded only in the child), the pool counts as
// lost, and launches keep away from it.
//
// The pools of other threads are not in the child's way, but for one moment: libgomp ends the pool
// of a thread that ends by pthread_exit in each of its threads, without waiting for them. That
// unwinds their stacks under a lock of libgcc's, and a child that was forked meanwhile finds the
// lock taken as soon as Numba compiles something there. So a thread that launched ends its pool
// itself, waits for it, and no fork happens until then.
#pragma once

namespace ompsafe {

// Registers the handlers (pthread_atfork), once for the process. `runtime_was_loaded`: the runtime
// was in the process before the layer, so that a process that was forked may have inherited a pool
// without its threads.
void handle_forks(bool runtime_was_loaded);

// Whether the calling thread's pool did not survive a fork.
bool pool_lost_here();

// To be called before the calling thread builds a pool: see above.
void end_pool_with_this_thread();

// Keeps every thread of the process from forking for the life of the object. Not re-entrant.
class NoForkMeanwhile {
 public:
  NoForkMeanwhile();
  ~NoForkMeanwhile();
  NoForkMeanwhile(const NoForkMeanwhile&) = delete;
  NoForkMeanwhile& operator=(const NoForkMeanwhile&) = delete;
};

}  // namespace ompsafe
