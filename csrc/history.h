// What earlier launches of a kernel over about as many elements were like: now and then a piece of
// a launch is timed. It only decides on speed: whether a team is worth its while (team.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe::history {

// In nanoseconds on one thread, the longest brief launch. It takes about so long to set a team to
// work whose members have to be woken, wait for each other's cores or are yet to be started.
constexpr std::int64_t kBrief = 50'000;

// The same, the longest tiny launch. It takes about so long to set a team to work that spins and
// has cores to itself: an empty region of two threads takes 0.6 to 1.1 microseconds, one of more
// threads takes longer.
constexpr std::int64_t kTiny = 1'000;

// What it costs at most to run a launch piece by piece and to read the clock after each.
constexpr std::int64_t kOfEachPiece = 50;

struct Known {
  bool anything = false;
  bool computing = false;  // no piece that was timed lately waited, for a file, a lock or the time
  bool brief = false;      // and all would have taken at most kBrief on one thread
  bool tiny = false;       // or even kTiny
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

// To be called where a launch that counted as brief or tiny took longer than that by the clock. It
// may have been interrupted: the next one is timed, as one of which nothing is known.
void forget(const void* kernel, std::size_t elements);

// That a launch whose piece was timed took too long as a whole to be tiny: its pieces differ.
void learn_not_tiny(const void* kernel, std::size_t elements);

}  // namespace ompsafe::history
