#include "numba/schedule.h"

#include <algorithm>
#include <cmath>

#include "numba/chunks.h"

namespace ompsafe {
namespace {

using Index = std::intptr_t;
using Count = std::uintptr_t;

// NumPy's arrays, and so parfors, have at most 64 dimensions (NPY_MAXDIMS).
constexpr Count kMaxDimensions = 64;

struct Range {
  Index first, last;
  Index length() const { return last < first ? 0 : last - first + 1; }
};

// The schedule under construction: the space, its dimensions from longest to shortest, and the
// rows to write.
class Partition {
 public:
  Partition(Count num_dim, const Index* starts, const Index* ends, Index* rows)
      : num_dim_(num_dim), starts_(starts), ends_(ends), rows_(rows) {}

  void divide_one_dimension(Count divisions) const;
  void divide_dimensions(Count divisions);

  Count iterations() const {
    Count product = 1;
    for (Count dim = 0; dim < num_dim_; ++dim) product *= space(dim).length();
    return product;
  }

 private:
  Range space(Count dim) const { return {starts_[dim], ends_[dim]}; }
  void write(Count division, Count dim, Range range) const {
    Index* row = rows_ + 2 * num_dim_ * division;
    write(&row[dim], range.first);
    write(&row[num_dim_ + dim], range.last);
  }
  // The rows often hold the same numbers from the last launch. What is not written anew stays in
  // the caches of the cores that read it then.
  static void write(Index* at, Index value) {
    if (*at != value) *at = value;
  }
  void write(Range divisions, Count dim, Range range) const {
    for (Index d = divisions.first; d <= divisions.last; ++d) write(d, dim, range);
  }
  Count parts_of(Count position, Count divisions) const;
  void divide_from(Count position, Range divisions) const;

  const Count num_dim_;
  const Index* const starts_;
  const Index* const ends_;
  Index* const rows_;
  Count longest_first_[kMaxDimensions];
};

// Every division gets an equal share of what the ones before it left, rounded up; with fewer
// iterations than divisions, the last ones get the empty range 1..0.
void Partition::divide_one_dimension(Count divisions) const {
  const Range all = space(0);
  const Count length = all.length();
  if (length <= divisions) {
    for (Count d = 0; d < divisions; ++d) {
      const Index at = all.first + static_cast<Index>(d);
      write(d, 0, d < length ? Range{at, at} : Range{1, 0});
    }
    return;
  }
  Count taken = 0;
  for (Count d = 0; d < divisions; ++d) {
    const Count share = (length - taken - 1) / (divisions - d) + 1;
    const Index first = all.first + static_cast<Index>(taken);
    taken += share;
    write(d, 0, {first, d + 1 < divisions ? first + static_cast<Index>(share) - 1 : all.last});
  }
}

void Partition::divide_dimensions(Count divisions) {
  for (Count i = 0; i < num_dim_; ++i) longest_first_[i] = i;
  std::sort(longest_first_, longest_first_ + num_dim_, [this](Count a, Count b) {
    const Index length_a = space(a).length(), length_b = space(b).length();
    return length_a != length_b ? length_a > length_b : a < b;
  });
  divide_from(0, {0, static_cast<Index>(divisions) - 1});
}

// Into how many parts to cut the dimension at `position`: the share of its length in the lengths
// that are left to cut, in single precision, as Numba computes it.
Count Partition::parts_of(Count position, Count divisions) const {
  Index lengths = 0;
  for (Count i = position; i < num_dim_; ++i) {
    const Index length = space(longest_first_[i]).length();
    if (length > 1) lengths += length;
  }
  if (lengths == 0) return divisions;
  const float share = static_cast<float>(space(longest_first_[position]).length()) / lengths;
  return std::max<Index>(1, static_cast<Index>(std::round(double{divisions * share})));
}

// Cuts the dimension at `position` into parts, gives each part some of the divisions, and goes on
// with the next dimension inside of each part.
void Partition::divide_from(Count position, Range divisions) const {
  if (position == num_dim_) return;
  const Count dim = longest_first_[position];
  Count divisions_left = divisions.length();
  if (divisions_left == 1) {
    write(divisions.first, dim, space(dim));
    divide_from(position + 1, divisions);
    return;
  }
  Range left = space(dim);
  const Count parts = parts_of(position, divisions_left);
  for (Count part = 0; part < parts; ++part) {
    const Count parts_left = parts - part;
    Range members = divisions;
    Range cut = left;
    if (parts_left > 1) {
      const Index length = left.last - left.first + 1;
      members.last = members.first + divisions.length() / static_cast<Index>(parts_left) - 1;
      const float share = members.length() / static_cast<float>(divisions_left);
      cut.last = cut.first + static_cast<Index>(length * share) - 1;
    }
    divisions_left -= members.length();
    divisions.first = members.last + 1;
    left.first = cut.last + 1;
    write(members, dim, cut);
    divide_from(position + 1, members);
  }
}

void divide(Count num_dim, const Index* starts, const Index* ends, Count divisions, Index* rows) {
  if (divisions == 0 || num_dim == 0 || num_dim > kMaxDimensions) return;
  Partition partition(num_dim, starts, ends, rows);
  if (num_dim == 1) {
    partition.divide_one_dimension(divisions);
  } else {
    partition.divide_dimensions(divisions);
  }
  note_schedule(rows, divisions, partition.iterations());
}

}  // namespace

void ompsafe_do_scheduling_signed(Count num_dim, const Index* starts, const Index* ends,
                                  Count num_divisions, Index* schedule, Index) {
  divide(num_dim, starts, ends, num_divisions, schedule);
}

void ompsafe_do_scheduling_unsigned(Count num_dim, const Index* starts, const Index* ends,
                                    Count num_divisions, Count* schedule, Index) {
  divide(num_dim, starts, ends, num_divisions, reinterpret_cast<Index*>(schedule));
}

}  // namespace ompsafe
