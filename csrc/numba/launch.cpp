#include "numba/launch.h"

#include <alloca.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>

#include "numba/chunks.h"
#include "numba/elements.h"
#include "openmp/runtime.h"
#include "team/team.h"
#include "threads/thread_count.h"

namespace ompsafe {
namespace {

// A thread's launch is made where its last one was (slots.h says why), unless that one is under
// way.
struct OwnLaunch {
  Launch launch;
  std::size_t behind[40];
  bool taken;

  bool has_room_for(const Launch::Call& call) const {
    return !taken && Launch::words_behind(call) <= std::size(behind);
  }
};
static_assert(offsetof(OwnLaunch, behind) == sizeof(Launch));
constinit thread_local OwnLaunch own_launch{};

// A core dimension of no length leaves the calls of the kernel, which may do without it. Arrays
// that are broadcast may have more elements than can be counted.
std::size_t elements_of(const std::size_t* dimensions, std::size_t inner_ndim) {
  std::size_t elements = dimensions[0];
  for (std::size_t i = 1; i <= inner_ndim; ++i) {
    const std::size_t length = std::max<std::size_t>(1, dimensions[i]);
    if (__builtin_mul_overflow(elements, length, &elements)) return -1;
  }
  return elements;
}

}  // namespace

void ompsafe_parallel_for(Kernel* kernel, char** arguments, std::size_t* dimensions,
                          std::size_t* steps, void* data, std::size_t inner_ndim,
                          std::size_t array_count, std::intptr_t num_threads) {
  end_of_preparation();
  const Elements known(inner_ndim);
  inner_ndim &= Elements::kInnerNdim;
  Cut cut = take_cut(arguments[0], dimensions[0]);
  if (known.anything) cut = {};  // what lies there was nobody's
  Launch::Pieces pieces = Launch::Pieces::kBlock;
  if (known.cut_anywhere) {
    pieces = Launch::Pieces::kElements;
  } else if (cut.chunked && !Runtime::bound()->static_schedule_wanted()) {
    pieces = Launch::Pieces::kChunks;
  }
  const std::size_t elements =
      cut.of_schedule ? cut.iterations : elements_of(dimensions, inner_ndim);
  const bool in_order =
      known.one_output && depend_on_each_other(arguments, steps, array_count, dimensions[0]);
  const std::size_t slots = std::max<std::intptr_t>(1, num_threads);
  const Launch::Call call{
      kernel, arguments,  dimensions,  steps,
      data,   inner_ndim, array_count, known.miss_the_output(steps, array_count)};
  const auto run = [&](Launch& launch) {
    launch.set(call, slots, elements, pieces);
    if (in_order) {
      launch.run_in_turn();
    } else {
      run_slots_in_team(launch);
    }
  };
  OwnLaunch& own = own_launch;
  if (own.has_room_for(call)) {
    own.taken = true;
    run(own.launch);
    own.taken = false;
  } else {
    const std::size_t bytes = sizeof(Launch) + Launch::words_behind(call) * sizeof(std::size_t);
    std::size_t space = bytes + alignof(Launch);
    void* memory = alloca(space);
    std::memset(std::align(alignof(Launch), bytes, memory, space), 0, bytes);
    run(*new (memory) Launch);
  }
}

}  // namespace ompsafe
