// What earlier launches of a kernel over about as many elements were like: now and then a piece of
// a launch is timed. It only decides on speed: how many threads are worth their while (team.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe::history {

struct Known {
  bool anything = false;
  bool computing = false;  // no piece that was timed lately waited, for a file, a lock or the time
  bool nests = false;      // launches that are worth some help were made inside of it
  std::int64_t ns = 0;     // about what all pieces would have taken on one thread
};

Known known(const void* kernel, std::size_t elements);

// Learns from what the calling thread does between the object's making and learn(): one of `pieces`
// pieces of a launch. It goes by the time for which the thread had a core, and by whether it gave
// its core away: that others took it for a while tells nothing of the kernel. A kernel that waited
// counts as one that waits for the next fifteen times that it is timed: another piece may not wait.
class Stopwatch {
 public:
  Stopwatch();
  void learn(const void* kernel, std::size_t elements, std::size_t pieces) const;

 private:
  const std::int64_t waits_begin_;
  const std::int64_t before_begin_;  // begin_ - before_begin_ is what one reading costs
  const std::int64_t begin_;
};

// To be called where a launch took longer than was known, by the clock. It may have been
// interrupted: the next one is timed, as one of which nothing is known.
void forget(const void* kernel, std::size_t elements);

// That a launch whose piece was timed took at least so long as a whole: its pieces differ.
void learn_longer(const void* kernel, std::size_t elements, std::int64_t ns);

// Learnt anew in every launch that is timed, which begins with false: a nested one may once have
// looked longer than it is.
void learn_nests(const void* kernel, std::size_t elements, bool nests);

}  // namespace ompsafe::history
