// What earlier launches of a kernel over about as many elements were like: now and then the first
// piece of a launch is timed. It only decides on speed, where a team is dear (team.h says where).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe::history {

// In nanoseconds on one thread, the longest brief launch. It takes about so long to set a team to
// work whose members wait for each other's cores, or for threads that are yet to be started.
constexpr std::int64_t kBrief = 20'000;

struct Known {
  bool anything = false;
  bool brief = false;
  bool computing = false;  // it kept its core busy; another one may wait, for a file or for a lock
};

Known known(const void* kernel, std::size_t elements);

// That all of a launch took `nanoseconds`, or would have on one thread.
void learn(const void* kernel, std::size_t elements, std::int64_t nanoseconds, bool computing);

// Measures what the calling thread does between its making and the questions.
class Stopwatch {
 public:
  Stopwatch();
  std::int64_t nanoseconds() const;
  bool was_computing() const;

 private:
  std::int64_t cpu_begin_;
  std::int64_t begin_;
};

}  // namespace ompsafe::history
