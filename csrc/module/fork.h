// What the layer does at a fork. GNU's OpenMP runtime does not notice one: the pool of the thread
// that forks has no threads in the child, and its next parallel region there would wait for them
// for ever. So that thread's pools are ended before the fork, and parent and child each build new
// ones when they next need them (pools.h). Where that cannot be, the pool counts as lost, and
// launches keep away from it (team.h).
//
// The pools of other threads are not in the child's way, but while they end (pool_end.h).
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

}  // namespace ompsafe
