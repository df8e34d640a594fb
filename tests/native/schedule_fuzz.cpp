// Random spaces for the schedule, up to the ends of the 64-bit indices: what Numba's own function
// makes of them, this layer's has to make, but where Numba's overflows. Whatever it makes has to be
// a partition. For tests/fuzz_schedule.py, which has the addresses of Numba's functions.
#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <vector>

#include "numba/schedule.h"
#include "random.h"

namespace {

using native::Random;
using Index = std::intptr_t;
using Count = std::uintptr_t;
__extension__ typedef __int128 Wide;
using Schedule = void(Count, const Index*, const Index*, Count, Index*, Index);

constexpr int kMostDimensions = 5;

struct Space {
  bool is_signed;
  Count dimensions;
  Index starts[kMostDimensions], ends[kMostDimensions];

  Wide bound(Index bits) const { return is_signed ? Wide{bits} : Wide{static_cast<Count>(bits)}; }
  // Unsigned bounds count as signed ones, too: a range is empty where it is in either reading.
  Wide length(Index start, Index end) const {
    if (end < start || bound(end) < bound(start)) return 0;
    return Wide{end} - Wide{start} + 1;
  }
  // Whether a kernel that has this row runs nothing: its loop ends before end + 1, modulo 2^64.
  bool runs_nothing(Index start, Index end) const {
    return is_signed ? end < start : static_cast<Count>(end) + 1 <= static_cast<Count>(start);
  }
};

Index any_bound(Random& random) {
  const Index lowest = INTPTR_MIN, highest = INTPTR_MAX;
  const Index near[] = {0, lowest, highest, lowest / 2, highest / 2, Index{1} << 32, 1 << 24};
  const auto around = static_cast<Count>(near[random.between(0, std::size(near) - 1)]);
  switch (random.between(1, 5)) {
    case 1:
      return random.between(-1'000'000, 1'000'000);
    case 2:
      return static_cast<Index>(random.next() >> random.between(0, 63));
    case 3:
      return static_cast<Index>(random.next());
    default:
      return static_cast<Index>(around + static_cast<Count>(random.between(-40, 40)));
  }
}

Index any_length(Random& random) {
  switch (random.between(1, 4)) {
    case 1:
      return random.between(-40, 3);
    case 2:
      return random.between(0, 2'000'000);
    default:
      return random.between(0, 40);
  }
}

Space any_space(Random& random, bool is_signed) {
  Space space{};
  space.is_signed = is_signed;
  space.dimensions = static_cast<Count>(random.between(1, kMostDimensions));
  const bool extreme = random.once_in(2);
  for (Count dimension = 0; dimension < space.dimensions; ++dimension) {
    Index& start = space.starts[dimension];
    Index& end = space.ends[dimension];
    do {
      start = any_bound(random);
      end = extreme ? any_bound(random)
                    : static_cast<Index>(static_cast<Count>(start) +
                                         static_cast<Count>(any_length(random)) - 1);
      // No range() has all 2^64 indices.
    } while (is_signed && start == INTPTR_MIN && end == INTPTR_MAX);
  }
  return space;
}

Count any_divisions(Random& random) {
  return static_cast<Count>(random.once_in(50) ? random.between(1, 300) : random.between(1, 24));
}

// Numba adds lengths up, in signed numbers. And what ends above its start in that reading alone it
// would run a part of.
bool numba_overflows(const Space& space) {
  Wide lengths = 0;
  for (Count dimension = 0; dimension < space.dimensions; ++dimension) {
    const Index start = space.starts[dimension], end = space.ends[dimension];
    const Wide length = Wide{end} - Wide{start} + 1;
    if (length > INTPTR_MAX || length < INTPTR_MIN) return true;
    lengths += std::max(length, Wide{0});
    // An empty part at the lowest index ends below it.
    if (start == INTPTR_MIN && space.dimensions > 1) return true;
    if (space.length(start, end) != std::max(length, Wide{0})) return true;
  }
  return lengths > INTPTR_MAX;
}

// Of a range that ends far below its start Numba makes other parts, which are as empty.
bool is_numbas(const Space& space, const std::vector<Index>& rows,
               const std::vector<Index>& wanted) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Count dimension = i % space.dimensions;
    const Wide length = Wide{space.ends[dimension]} - Wide{space.starts[dimension]} + 1;
    if (rows[i] != wanted[i] && (length >= 0 || space.dimensions == 1)) return false;
  }
  return true;
}

struct Box {
  const Index* starts;
  const Index* ends;
};

bool disjoint(const Space& space, Box a, Box b) {
  for (Count dimension = 0; dimension < space.dimensions; ++dimension) {
    if (space.bound(a.ends[dimension]) < space.bound(b.starts[dimension]) ||
        space.bound(b.ends[dimension]) < space.bound(a.starts[dimension])) {
      return true;
    }
  }
  return false;
}

// No box leaves the space, no two meet, and together they have as many indices (modulo 2^128).
// Those of one dimension follow each other, and none is larger than another one by more than one.
bool is_partition(const Space& space, const std::vector<Index>& rows) {
  __extension__ typedef unsigned __int128 Volume;
  const Count dimensions = space.dimensions;
  Volume all = 1, taken = 0;
  for (Count dimension = 0; dimension < dimensions; ++dimension) {
    all *= static_cast<Volume>(space.length(space.starts[dimension], space.ends[dimension]));
  }
  std::vector<Box> boxes;
  // A kernel's loops stand inside of each other.
  const auto runs_nothing = [&space](Box box) {
    for (Count dimension = 0; dimension < space.dimensions; ++dimension) {
      if (space.runs_nothing(box.starts[dimension], box.ends[dimension])) return true;
    }
    return false;
  };
  for (std::size_t row = 0; row < rows.size(); row += 2 * dimensions) {
    const Box box{&rows[row], &rows[row + dimensions]};
    Volume volume = 1;
    bool empty = false;
    for (Count dimension = 0; dimension < dimensions; ++dimension) {
      const Wide length = space.length(box.starts[dimension], box.ends[dimension]);
      empty |= length == 0;
      volume *= static_cast<Volume>(length);
    }
    if (empty) {
      if (!runs_nothing(box)) return false;
      continue;
    }
    for (Count dimension = 0; dimension < dimensions; ++dimension) {
      if (space.bound(box.starts[dimension]) < space.bound(space.starts[dimension]) ||
          space.bound(box.ends[dimension]) > space.bound(space.ends[dimension])) {
        return false;
      }
    }
    taken += volume;
    boxes.push_back(box);
  }
  if (taken != all) return false;
  for (std::size_t a = 0; a < boxes.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (!disjoint(space, boxes[a], boxes[b])) return false;
    }
  }
  if (dimensions != 1) return true;
  for (std::size_t next = 1; next < boxes.size(); ++next) {
    const Box box = boxes[next - 1], following = boxes[next];
    if (space.bound(following.starts[0]) != space.bound(box.ends[0]) + 1) return false;
    const Wide shorter = space.length(box.starts[0], box.ends[0]) -
                         space.length(following.starts[0], following.ends[0]);
    if (shorter != 0 && shorter != 1) return false;
  }
  return true;
}

void tell(const char* what, const Space& space, Count divisions) {
  std::fprintf(stderr, "%s: %s, %" PRIuPTR " divisions of", what,
               space.is_signed ? "signed" : "unsigned", divisions);
  for (Count dimension = 0; dimension < space.dimensions; ++dimension) {
    std::fprintf(stderr, " [%" PRIdPTR ", %" PRIdPTR "]", space.starts[dimension],
                 space.ends[dimension]);
  }
  std::fputc('\n', stderr);
}

void ours(const Space& space, Count divisions, Index* rows) {
  if (space.is_signed) {
    ompsafe::ompsafe_do_scheduling_signed(space.dimensions, space.starts, space.ends, divisions,
                                          rows, 0);
  } else {
    ompsafe::ompsafe_do_scheduling_unsigned(space.dimensions, space.starts, space.ends, divisions,
                                            reinterpret_cast<Count*>(rows), 0);
  }
}

}  // namespace

// Returns how many of the inputs Numba's own function overflows on; -1 at the first fault, which is
// told on stderr.
extern "C" [[gnu::visibility("default")]] long fuzz_schedule(std::uint64_t seed, long inputs,
                                                             int is_signed, Schedule* numbas) {
  Random random(seed);
  long overflows = 0;
  for (long input = 0; input < inputs; ++input) {
    const Space space = any_space(random, is_signed != 0);
    const Count divisions = any_divisions(random);
    std::vector<Index> rows(2 * space.dimensions * divisions);
    ours(space, divisions, rows.data());
    if (!is_partition(space, rows)) {
      tell("not a partition", space, divisions);
      return -1;
    }
    if (numba_overflows(space)) {
      ++overflows;
      continue;
    }
    std::vector<Index> wanted(rows.size());
    numbas(space.dimensions, space.starts, space.ends, divisions, wanted.data(), 0);
    if (!is_numbas(space, rows, wanted)) {
      tell("not Numba's", space, divisions);
      return -1;
    }
  }
  return overflows;
}
