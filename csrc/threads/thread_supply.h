// How many threads can be had before a team begins. An OpenMP runtime that cannot start a thread of
// a team ends the process: where a limit on the user's processes (ulimit -u) or on those of the
// container is reached, or no memory is left for a stack. So the threads that a team has yet to
// start are tried first, by starting as many and ending them. A team is as large as these and its
// pool's allow.
//
// What cannot be closed: somebody else, another process of the user's or a thread of this one that
// launches nothing, may take what was free between the trial and the runtime's own start. kSpare
// threads are tried in excess for them, and stay free where it is short.
//
// Threads of the layer's own (crew.h) need no trial: where one is refused, there is one less.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>

#include "system/no_fork.h"

namespace ompsafe {

class Runtime;

// The threads that a team has yet to start. From the trial until they have been started no other
// launch tries or starts any, and the process does not fork.
class NewThreads {
 public:
  // Tries `wanted`; for a while after a trial that fell short, no more than were found then.
  NewThreads(const Runtime& runtime, unsigned wanted);

  unsigned had() const { return had_; }

  // To be called by the team's primary thread when the team is complete, or will not be.
  void started();

 private:
  std::optional<NoForkMeanwhile> no_fork_;
  std::unique_lock<std::mutex> alone_;
  unsigned had_ = 0;
};

namespace thread_supply {

// What the user has asked for as the stack of a thread of the runtime's, in bytes; 0 for the
// system's default. Kernels may need it on other threads, too.
std::size_t stack_size(const Runtime& runtime);

// `wanted`, or as many as were found in a trial that fell short a moment ago.
unsigned expected(unsigned wanted);

// Keeps others from trying or starting threads; empty if somebody does.
std::unique_lock<std::mutex> try_alone();

// That no more than `found` threads were to be had just now: for a while, no more are tried.
void fell_short(unsigned found);

// That a launch which had threads to start had them all, or fewer than it asked for; both count
// the caller. The first shortage of the process calls what on_shortage said.
void had_all(unsigned asked);
void had_fewer(unsigned asked, unsigned had);

// Called on any thread, without the GIL. False to be called at the next shortage again.
void on_shortage(bool (*callback)());

// The last launch that had fewer; of 0 threads if there was none, or if one had as many since.
struct Shortage {
  unsigned asked = 0;
  unsigned had = 0;
};
Shortage last_shortage();

// In the child of a fork: another thread may have been starting some as it was forked.
void after_fork_in_child();

}  // namespace thread_supply
}  // namespace ompsafe
