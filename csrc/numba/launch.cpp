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

// What a launch is to be, and where it is made.
struct Request {
  Launch::Call call;
  std::size_t slots, elements;
  Launch::Pieces pieces;
  bool in_order;

  void run_in(Launch& launch) const {
    launch.set(call, slots, elements, pieces);
    if (in_order) [[unlikely]] {
      launch.run_in_turn();
    } else {
      run_slots_in_team(launch);
    }
  }
};

[[gnu::noinline]] void run_on_stack(const Request& request) {
  const std::size_t bytes =
      sizeof(Launch) + Launch::words_behind(request.call) * sizeof(std::size_t);
  std::size_t space = bytes + alignof(Launch);
  void* memory = alloca(space);
  std::memset(std::align(alignof(Launch), bytes, memory, space), 0, bytes);
  request.run_in(*new (memory) Launch);
}

void run(const Request& request) {
  OwnLaunch& own = own_launch;
  if (!own.has_room_for(request.call)) [[unlikely]] {
    run_on_stack(request);
    return;
  }
  own.taken = true;
  request.run_in(own.launch);
  own.taken = false;
}

// Of a parfor; or of who has called us by hand, without a schedule.
Request of_schedule(const Launch::Call& call, std::size_t slots, const Cut& cut) {
  const bool chunks = cut.chunked && !Runtime::bound()->static_schedule_wanted();
  return {call, slots,
          cut.of_schedule ? cut.iterations : elements_of(call.dimensions, call.inner_ndim),
          chunks ? Launch::Pieces::kChunks : Launch::Pieces::kBlock, false};
}

// Of a ufunc or a gufunc.
Request of_elements(Launch::Call call, std::size_t slots, const Elements& known) {
  call.one_by_one = known.miss_the_output(call.steps, call.array_count);
  return {
      call, slots, elements_of(call.dimensions, call.inner_ndim),
      known.cut_anywhere ? Launch::Pieces::kElements : Launch::Pieces::kBlock,
      slots > 1 && known.one_output &&
          depend_on_each_other(call.arguments, call.steps, call.array_count, call.dimensions[0])};
}

}  // namespace

void ompsafe_parallel_for(Kernel* kernel, char** arguments, std::size_t* dimensions,
                          std::size_t* steps, void* data, std::size_t inner_ndim,
                          std::size_t array_count, std::intptr_t num_threads) {
  end_of_preparation();
  const Elements known(inner_ndim);
  const Cut cut = take_cut(arguments[0], dimensions[0]);
  const std::size_t slots = std::max<std::intptr_t>(1, num_threads);
  const Launch::Call call{
      kernel, arguments, dimensions, steps, data, inner_ndim & Elements::kInnerNdim, array_count};
  // A schedule that lies where a ufunc's first argument does was nobody's.
  run(known.anything ? of_elements(call, slots, known) : of_schedule(call, slots, cut));
}

}  // namespace ompsafe
