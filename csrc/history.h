// What earlier launches of a kernel over about as many elements were like: now and then the first
// piece of a launch is timed. It only decides on speed, where a team is dear (team.h says where).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe::history {

// In nanoseconds on one thread, the longest brief launch. It takes about so long to set a team to
// work whose members have to be woken, wait for each other's cores or are yet to be started.
constexpr std::int64_t kBrief = 50'000;

struct Known {
  bool anything = false;
  bool computing = false;  // it never waited, for a file, a lock or the time
  bool brief = false;      // and was done soon
};

Known known(const void* kernel, std::size_t elements);

// Learns from what the calling thread does between begin and end: one piece of a launch of so many.
// It goes by the time for which the thread had a core, and by whether it gave its core away: that
// others took it for a while tells nothing of the kernel.
class Stopwatch {
 public:
  Stopwatch();
  void learn(const void* kernel, std::size_t elements, std::size_t pieces) const;

 private:
  const std::int64_t waits_begin_;
  const std::int64_t before_begin_;  // from here to begin_ it takes to read the clock
  const std::int64_t begin_;
};

// That a launch that was brief before took longer.
void learn_not_brief(const void* kernel, std::size_t elements);

}  // namespace ompsafe::history
