#include "numba/schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "numba/chunks.h"

namespace ompsafe {
namespace {

using Index = std::intptr_t;
using Count = std::uintptr_t;

// NumPy's arrays, and so parfors, have at most 64 dimensions (NPY_MAXDIMS).
constexpr Count kMaxDimensions = 64;

// Both bounds as bits, whatever their sign: a length is their difference modulo 2^64, and may be
// more than a signed number holds.
struct Range {
  Count first, last;
};
constexpr Range kNothing{1, 0};

enum class Indices : std::uint8_t { kSigned, kUnsigned };

// Some of the divisions, one after the other.
struct Members {
  Count first, count;
};

// The schedule under construction: the space, its dimensions from longest to shortest, and the
// rows to write.
class Partition {
 public:
  Partition(Indices indices, Count num_dim, const Index* starts, const Index* ends, Index* rows)
      : indices_(indices), num_dim_(num_dim), starts_(starts), ends_(ends), rows_(rows) {}

  void divide_one_dimension(Count divisions) const;
  void divide_dimensions(Count divisions);

  // As many as can be counted.
  Count iterations() const {
    Count product = 1;
    for (Count dim = 0; dim < num_dim_; ++dim) {
      if (__builtin_mul_overflow(product, length_of(dim), &product)) product = -1;
    }
    return product;
  }

 private:
  // An empty one ends just below its start, or is kNothing where there is no index below: parts of
  // it are empty, too, for a kernel that reads the bounds as unsigned.
  Range space(Count dim) const {
    const Range range{static_cast<Count>(starts_[dim]), static_cast<Count>(ends_[dim])};
    if (length(range) != 0) [[likely]]
      return range;
    return below(range.first);
  }
  Range below(Count first) const {
    const bool lowest = indices_ == Indices::kSigned && static_cast<Index>(first) == INTPTR_MIN;
    return lowest ? kNothing : Range{first, first - 1};
  }
  Count length(Range range) const {
    const bool empty = static_cast<Index>(range.last) < static_cast<Index>(range.first) ||
                       (indices_ == Indices::kUnsigned && range.last < range.first);
    return empty ? 0 : range.last - range.first + 1;
  }
  Count length_of(Count dim) const { return length(space(dim)); }
  void write(Count division, Count dim, Range range) const {
    Index* row = rows_ + 2 * num_dim_ * division;
    write(&row[dim], static_cast<Index>(range.first));
    write(&row[num_dim_ + dim], static_cast<Index>(range.last));
  }
  // The rows often hold the same numbers from the last launch. What is not written anew stays in
  // the caches of the cores that read it then.
  static void write(Index* at, Index value) {
    if (*at != value) *at = value;
  }
  void write(Members members, Count dim, Range range) const {
    for (Count d = 0; d < members.count; ++d) write(members.first + d, dim, range);
  }
  Count parts_of(Count position, Count divisions) const;
  Range take(Range& left, float share) const;
  void divide_from(Count position, Members members) const;

  const Indices indices_;
  const Count num_dim_;
  const Index* const starts_;
  const Index* const ends_;
  Index* const rows_;
  Count longest_first_[kMaxDimensions];
};

// Every division gets an equal share of what the ones before it left, rounded up; with fewer
// iterations than divisions, the last ones get nothing.
void Partition::divide_one_dimension(Count divisions) const {
  const Range all = space(0);
  const Count length = this->length(all);
  if (length <= divisions) {
    for (Count d = 0; d < divisions; ++d) {
      write(d, 0, d < length ? Range{all.first + d, all.first + d} : kNothing);
    }
    return;
  }
  Count taken = 0;
  for (Count d = 0; d < divisions; ++d) {
    const Count share = (length - taken - 1) / (divisions - d) + 1;
    const Count first = all.first + taken;
    taken += share;
    write(d, 0, {first, first + share - 1});
  }
}

void Partition::divide_dimensions(Count divisions) {
  for (Count i = 0; i < num_dim_; ++i) longest_first_[i] = i;
  std::sort(longest_first_, longest_first_ + num_dim_, [this](Count a, Count b) {
    const Count length_a = length_of(a), length_b = length_of(b);
    return length_a != length_b ? length_a > length_b : a < b;
  });
  divide_from(0, {0, divisions});
}

// Into how many parts to cut the dimension at `position`: the share of its length in the lengths
// that are left to cut, in single precision, as Numba computes it. The last one is all that is
// left.
Count Partition::parts_of(Count position, Count divisions) const {
  if (position + 1 == num_dim_) return divisions;
  Count lengths = 0;
  for (Count i = position; i < num_dim_; ++i) {
    const Count length = length_of(longest_first_[i]);
    if (length > 1 && __builtin_add_overflow(lengths, length, &lengths)) lengths = -1;
  }
  if (lengths == 0) return divisions;
  const float share = static_cast<float>(length_of(longest_first_[position])) / lengths;
  return std::max<Count>(1, static_cast<Count>(std::round(double{divisions * share})));
}

// Takes a share off the front of `left`, at most about half of it.
Range Partition::take(Range& left, float share) const {
  const Count first = left.first;
  left.first += static_cast<Count>(length(left) * share);
  return left.first == first ? below(first) : Range{first, left.first - 1};
}

// Cuts the dimension at `position` into parts, gives each part some of the divisions, and goes on
// with the next dimension inside of each part.
void Partition::divide_from(Count position, Members members) const {
  if (position == num_dim_) return;
  const Count dim = longest_first_[position];
  Range left = space(dim);
  const Count parts = members.count == 1 ? 1 : parts_of(position, members.count);
  for (Count parts_left = parts; parts_left != 0; --parts_left) {
    const Members part{members.first, members.count / parts_left};
    const Range cut =
        parts_left == 1 ? left : take(left, part.count / static_cast<float>(members.count));
    members = {part.first + part.count, members.count - part.count};
    write(part, dim, cut);
    divide_from(position + 1, part);
  }
}

void divide(Indices indices, Count num_dim, const Index* starts, const Index* ends, Count divisions,
            Index* rows) {
  if (divisions == 0 || num_dim == 0 || num_dim > kMaxDimensions) return;
  Partition partition(indices, num_dim, starts, ends, rows);
  const Count iterations = partition.iterations();
  if (num_dim == 1) {
    partition.divide_one_dimension(divisions);
  } else {
    partition.divide_dimensions(divisions);
  }
  note_schedule(rows, divisions, iterations);
}

}  // namespace

void ompsafe_do_scheduling_signed(Count num_dim, const Index* starts, const Index* ends,
                                  Count num_divisions, Index* schedule, Index) {
  divide(Indices::kSigned, num_dim, starts, ends, num_divisions, schedule);
}

void ompsafe_do_scheduling_unsigned(Count num_dim, const Index* starts, const Index* ends,
                                    Count num_divisions, Count* schedule, Index) {
  divide(Indices::kUnsigned, num_dim, starts, ends, num_divisions,
         reinterpret_cast<Index*>(schedule));
}

}  // namespace ompsafe
