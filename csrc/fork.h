// What the layer does at a fork. GNU's OpenMP runtime does not notice one: the pool of the thread
// that forks has no threads in the child, and its next parallel region there would wait for them
// for ever. So that thread's pools are ended before the fork, and parent and child each build new
// ones when they next need them (pools.h). Where that cannot be, the pool counts as lost, and
// launches keep away from it (team.h).
//
// The pools of other threads are not in the child's way, but for one moment: libgomp ends the pool
// of a thread that ends by pthread_exit in each of its threads, without waiting for them. That
// unwinds their stacks under a lock of libgcc's, and a child that was forked meanwhile finds the
// lock taken as soon as Numba compiles something there. So a thread that launched ends its pool
// itself, waits for it, and no fork happens until then.
//
// What a fork has to wait for, it waits for before it begins: in Python's hook
// (os.register_at_fork), which can give up the GIL, and before any library has taken a lock in a
// fork handler of its own. The handler (pthread_atfork) runs wherever it comes among those, with
// the GIL held, and waits for nobody but the threads of a pool that has been built since. A fork
// that is not Python's has the handler alone.
//
// docs/processes.md tells it for each state of the process, docs/how-it-works.md the order of the
// locks.
#pragma once

namespace ompsafe {

// Registers the handler, once for the process; a later call changes nothing.
// `end_pools`: false for who needs the runtime's own behaviour; then a pool is lost in the child.
// `may_have_lost`: whether this process, if it was forked before this call, may have lost pools,
// all but those of the libraries in the folder `newer_than_fork` (see count_as_lost in pools.h).
void handle_forks(bool end_pools, bool may_have_lost, const char* newer_than_fork);

// Python's hook: to be called without the GIL before a fork, and after it in the parent, by the
// thread that forks. Calls may nest.
void before_fork();
void after_fork_in_parent();

// Whether pools are ended before a fork.
bool forks_end_pools();

// To be called before the calling thread builds a pool: see above.
void end_pool_with_this_thread();

// Ends the calling thread's pool now, if the runtime is GNU's.
void end_pool_of_this_thread();

// Keeps every thread of the process from forking in Python for the life of the object: for what has
// locks of torch's, of a runtime's or of the dynamic linker's, which a child could never take. Many
// threads may hold one, and a thread that holds one may wait for another that wants one: an ending
// pool's thread may have a pool to end itself. Not to be made with the GIL held.
class NoForkMeanwhile {
 public:
  NoForkMeanwhile();
  ~NoForkMeanwhile();
  NoForkMeanwhile(const NoForkMeanwhile&) = delete;
  NoForkMeanwhile& operator=(const NoForkMeanwhile&) = delete;

 private:
  const bool shares_;
};

}  // namespace ompsafe
