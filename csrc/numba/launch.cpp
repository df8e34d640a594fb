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
  std::size_t slots;
  std::size_t elements = 0;
  Launch::Pieces pieces = Launch::Pieces::kBlock;
  bool in_order = false;

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
void complete(Request& request, const Cut& cut) {
  request.elements = cut.of_schedule
                         ? cut.iterations
                         : elements_of(request.call.dimensions, request.call.inner_ndim);
  if (cut.chunked && !Runtime::bound()->static_schedule_wanted()) {
    request.pieces = Launch::Pieces::kChunks;
  }
}

// Of a ufunc or a gufunc.
void complete(Request& request, const Elements& known) {
  Launch::Call& call = request.call;
  request.elements = elements_of(call.dimensions, call.inner_ndim);
  if (known.cut_anywhere) request.pieces = Launch::Pieces::kElements;
  call.one_by_one = known.miss_the_output(call.steps, call.array_count);
  request.in_order =
      request.slots > 1 && known.one_output &&
      depend_on_each_other(call.arguments, call.steps, call.array_count, call.dimensions[0]);
}

}  // namespace

void ompsafe_parallel_for(Kernel* kernel, char** arguments, std::size_t* dimensions,
                          std::size_t* steps, void* data, std::size_t inner_ndim,
                          std::size_t array_count, std::intptr_t num_threads) {
  end_of_preparation();
  const Elements known(inner_ndim);
  const Cut cut = take_cut(arguments[0], dimensions[0]);
  Request request{
      {kernel, arguments, dimensions, steps, data, inner_ndim & Elements::kInnerNdim, array_count},
      static_cast<std::size_t>(std::max<std::intptr_t>(1, num_threads))};
  if (known.anything) {  // a schedule that lies where the first argument does was nobody's
    complete(request, known);
  } else {
    complete(request, cut);
  }
  run(request);
}

}  // namespace ompsafe
