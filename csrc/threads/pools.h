// The pools that GNU's OpenMP runtimes keep for the calling thread, and what becomes of them at a
// fork. A process may hold several such runtimes: torch's, scikit-learn's, the system's. Each is
// looked after, whoever loaded it and whether or not launches run on it.
//
// To be called with no fork meanwhile (no_fork.h), all that finds or ends some, but for
// prepare_fork.
#pragma once

namespace ompsafe {
class Runtime;
}

namespace ompsafe::pools {

// Whether pools are ended before a fork; they are, unless it was said that they are not.
void set_end_at_forks(bool end);
bool end_at_forks();

// Finds the runtimes that have come since the last look. Waits for the dynamic linker if there are
// any.
void look_for_runtimes();

// Ends the calling thread's pools (omp_pause_resource_all) in the runtimes found so far, and waits
// for their threads. Its next parallel region builds a new one.
void end_here();

// Just before a fork, by the thread that forks, alone. Notes which of its pools the child loses:
// those that it could not end, since the runtime refuses, as it does inside of a parallel region,
// or has no such function (before GCC 9); all, where pools are not ended before a fork; those of
// runtimes that have come since the last look, unless `has_looked`: there may be some.
void prepare_fork(bool has_looked);

// After that, by the same thread: whether its pool in that runtime has been ended. Inside of a
// region it goes on.
bool ended_by_fork(const Runtime& runtime);

// In the child: what was lost at the fork is lost from now on. Another thread may have been looking
// as it was forked.
void after_fork_in_child();

// In a process that was forked before anything here was called: the pools of all runtimes found so
// far count as lost. `newer_than_fork`: the folder of a library that surely came after the
// fork, with the runtimes in it, or nullptr.
void count_as_lost(const char* newer_than_fork);

// Whether the calling thread's pool in that runtime did not survive a fork. Its threads are
// missing, the runtime does not know it, and a region of several threads would wait for ever.
bool lost_here(const Runtime& runtime);

}  // namespace ompsafe::pools
