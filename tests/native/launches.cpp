#include "launches.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <vector>

#include "failure.h"
#include "numba/chunks.h"
#include "numba/launch.h"
#include "numba/schedule.h"
#include "steps.h"
#include "threads/thread_count.h"

namespace native {
namespace {

using namespace ompsafe;

std::atomic<long> count{0};

// What is the same for both kinds of launch. The sums are by thread id, as those of a reduction:
// nothing keeps two threads from one but the promise that a slot is run by one of them.
struct Shared {
  Shared(Random& random, int levels)
      : threads(ompsafe_num_threads_of_launch()),
        seed(random.next()),
        depth(levels),
        sums(static_cast<std::size_t>(threads)) {}

  const std::intptr_t threads;
  const std::uint64_t seed;
  const int depth;
  std::vector<std::size_t> sums;
  std::mutex lock;

  std::size_t sum() const { return std::accumulate(sums.begin(), sums.end(), std::size_t{0}); }
};

// To be called as a kernel begins: what it sets itself holds until it ends.
void check_slot(const Shared& shared) {
  expect_below("a thread id", ompsafe_get_thread_id(), shared.threads);
  expect_equal("the mask in a kernel", ompsafe_current_num_threads(), shared.threads);
  expect_equal("the chunk size in a kernel", static_cast<long>(ompsafe_get_parallel_chunksize()),
               0);
}

// Calls work(), for the slot that the calling thread acts as, and adds what it returns to the
// slot's sum. `piece` is one number for each call.
template <typename Work>
void run_as_slot(Shared& shared, std::uint64_t piece, Work work) {
  const std::intptr_t slot = ompsafe_get_thread_id();
  const std::size_t before = shared.sums[slot];
  const std::size_t done = work();
  Random random(shared.seed + piece);
  do_something_in_a_kernel(random, shared.depth, shared.lock);
  expect_equal("the thread id after that", ompsafe_get_thread_id(), slot);
  shared.sums[slot] = before + done;
}

// A prange over up to three dimensions: its kernel gets boxes of the schedule.
struct Range : Shared {
  using Shared::Shared;

  bool in_chunks = false;
  std::uintptr_t dimensions = 0, divisions = 0;
  std::intptr_t starts[3], ends[3];
  std::intptr_t* schedule = nullptr;
  std::vector<std::uint8_t> cells;

  std::size_t length(std::size_t dimension) const {
    return static_cast<std::size_t>(ends[dimension] - starts[dimension] + 1);
  }
};

// Visits the cells of a box, dimension by dimension.
std::size_t mark_box(Range& range, const std::intptr_t* box, std::size_t dimension,
                     std::size_t cell) {
  if (dimension == range.dimensions) {
    expect_equal("the times a cell was run before", range.cells[cell]++, 0);
    return 1;
  }
  std::size_t marked = 0;
  for (std::intptr_t at = box[dimension]; at <= box[range.dimensions + dimension]; ++at) {
    const std::intptr_t offset = at - range.starts[dimension];
    const auto length = static_cast<std::intptr_t>(range.length(dimension));
    expect_below("an index", offset, length);
    marked += mark_box(range, box, dimension + 1, cell * length + offset);
  }
  return marked;
}

void range_kernel(char** arguments, std::size_t* dimensions, std::size_t* steps, void* data) {
  Range& range = *static_cast<Range*>(data);
  check_slot(range);
  expect_equal("the width of a schedule", static_cast<long>(dimensions[1]),
               static_cast<long>(2 * range.dimensions));
  for (std::size_t row = 0; row < dimensions[0]; ++row) {
    const auto* box = reinterpret_cast<const std::intptr_t*>(arguments[0] + row * steps[0]);
    auto* divisions_thread = reinterpret_cast<std::intptr_t*>(arguments[1] + row * steps[1]);
    const auto division = static_cast<std::size_t>(box - range.schedule) / (2 * range.dimensions);
    if (!range.in_chunks) {
      expect_equal("the thread id of a division", ompsafe_get_thread_id(),
                   static_cast<long>(division));
    }
    run_as_slot(range, division, [&] {
      *divisions_thread += 1;
      return mark_box(range, box, 0, 0);
    });
  }
}

void launch_range(Random& random, int depth) {
  Range range(random, depth);
  range.dimensions = static_cast<std::uintptr_t>(random.between(1, 3));
  const int longest = range.dimensions == 1 ? 200 : 12;
  std::size_t cells = 1;
  for (std::uintptr_t dimension = 0; dimension < range.dimensions; ++dimension) {
    const int length = random.once_in(20) ? 0 : random.between(1, longest);
    range.starts[dimension] = random.between(-9, 9);
    range.ends[dimension] = range.starts[dimension] + length - 1;
    cells *= static_cast<std::size_t>(length);
  }
  range.cells.resize(cells);
  range.in_chunks = ompsafe_get_parallel_chunksize() != 0;
  range.divisions =
      ompsafe_get_sched_size(range.threads, range.dimensions, range.starts, range.ends);
  const std::uintptr_t chunksize = ompsafe_set_parallel_chunksize(0);
  range.schedule = ompsafe_allocate_sched(2 * range.dimensions * range.divisions);
  ompsafe_do_scheduling_signed(range.dimensions, range.starts, range.ends, range.divisions,
                               range.schedule, 0);
  std::vector<std::intptr_t> run(range.divisions);
  char* arguments[] = {reinterpret_cast<char*>(range.schedule),
                       reinterpret_cast<char*>(run.data())};
  std::size_t dimensions[] = {range.divisions, 2 * range.dimensions};
  std::size_t steps[] = {2 * range.dimensions * sizeof(std::intptr_t), sizeof(std::intptr_t),
                         sizeof(std::intptr_t)};
  ompsafe_parallel_for(range_kernel, arguments, dimensions, steps, &range, 1, 2, range.threads);
  ompsafe_deallocate_sched(range.schedule);
  ompsafe_set_parallel_chunksize(chunksize);
  for (const std::intptr_t times : run) expect_equal("the times a division was run", times, 1);
  for (const std::uint8_t times : range.cells) expect_equal("the times a cell was run", times, 1);
  expect_equal("the sum of a reduction", static_cast<long>(range.sum()), static_cast<long>(cells));
}

// A ufunc, or a gufunc with core dimensions.
struct Elements : Shared {
  using Shared::Shared;

  std::vector<std::size_t> dimensions;
  std::vector<std::int64_t> in, out;
  // Behind the three that it uses.
  std::size_t more_arguments = 0;
};

void elements_kernel(char** arguments, std::size_t* dimensions, std::size_t* steps, void* data) {
  Elements& elements = *static_cast<Elements*>(data);
  check_slot(elements);
  for (std::size_t i = 1; i < elements.dimensions.size(); ++i) {
    expect_equal("a core dimension", static_cast<long>(dimensions[i]),
                 static_cast<long>(elements.dimensions[i]));
  }
  for (std::size_t i = 0; i < elements.more_arguments; ++i) {
    if (arguments[3 + i] != arguments[2]) fail("an argument that is not there", i, -1);
  }
  const char* in = arguments[0];
  char* out = arguments[1];
  const auto first =
      static_cast<std::uint64_t>(reinterpret_cast<std::int64_t*>(out) - elements.out.data());
  expect_below("the end of a block", static_cast<long>(first + dimensions[0]),
               static_cast<long>(elements.out.size()) + 1);
  run_as_slot(elements, first, [&] {
    const std::int64_t added = *reinterpret_cast<std::int64_t*>(arguments[2]);
    for (std::size_t i = 0; i < dimensions[0]; ++i) {
      *reinterpret_cast<std::int64_t*>(out) += *reinterpret_cast<const std::int64_t*>(in) + added;
      in += static_cast<std::ptrdiff_t>(steps[0]);
      out += static_cast<std::ptrdiff_t>(steps[1]);
    }
    return dimensions[0];
  });
}

void launch_elements(Random& random, int depth) {
  Elements elements(random, depth);
  const auto length = static_cast<std::size_t>(random.once_in(20) ? 0 : random.between(1, 300));
  elements.dimensions = {length};
  // Now and then more than 16 bits count. Not inside of another such launch: both copy them onto
  // their stacks.
  const bool wide = depth == kDepth && random.once_in(200);
  const bool in_dimensions = random.once_in(2);
  for (int i = wide && in_dimensions ? 65'535 : random.between(0, 4); i > 0; --i) {
    elements.dimensions.push_back(static_cast<std::size_t>(random.between(0, 5)));
  }
  if (wide && !in_dimensions) elements.more_arguments = 65'536;
  elements.in.resize(length);
  elements.out.resize(length);
  std::iota(elements.in.begin(), elements.in.end(), 0);
  std::int64_t added = random.between(-5, 5);
  // An array that is read backwards has a negative step, and one that is broadcast has none.
  const bool backwards = length != 0 && random.once_in(3);
  std::int64_t* const in = elements.in.data() + (backwards ? length - 1 : 0);
  constexpr std::ptrdiff_t kStep = sizeof(std::int64_t);
  std::vector<char*> arguments = {reinterpret_cast<char*>(in),
                                  reinterpret_cast<char*>(elements.out.data())};
  arguments.resize(3 + elements.more_arguments, reinterpret_cast<char*>(&added));
  std::vector<std::size_t> steps = {static_cast<std::size_t>(backwards ? -kStep : kStep), kStep};
  steps.resize(arguments.size());
  ompsafe_parallel_for(elements_kernel, arguments.data(), elements.dimensions.data(), steps.data(),
                       &elements, elements.dimensions.size() - 1, arguments.size(),
                       elements.threads);
  for (std::size_t i = 0; i < length; ++i) {
    const std::size_t read = backwards ? length - 1 - i : i;
    expect_equal("an element", elements.out[i], static_cast<long>(read) + added);
  }
  expect_equal("the elements that were run", static_cast<long>(elements.sum()),
               static_cast<long>(length));
}

}  // namespace

void launch(Random& random, int depth) {
  ++count;
  if (random.once_in(2)) {
    launch_range(random, depth);
  } else {
    launch_elements(random, depth);
  }
}

long launches() { return count; }

}  // namespace native
