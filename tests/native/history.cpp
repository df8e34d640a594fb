#include "history.h"

#include <cstddef>
#include <cstdint>
#include <new>

#include "failure.h"
#include "system/platform.h"
#include "work/slots.h"

namespace native {
namespace {

using namespace ompsafe;

constexpr std::int64_t kOfEach = 100'000;  // nanoseconds

void compute(char**, std::size_t* dimensions, std::size_t*, void*) {
  const auto elements = static_cast<std::int64_t>(dimensions[0]);
  const std::int64_t begin = platform::thread_cpu_ns();
  while (platform::thread_cpu_ns() - begin < elements * kOfEach) {
  }
}

}  // namespace

void check_time_of_a_launch_in_one_piece() {
  constexpr std::size_t kElements = 16;
  for (std::uint32_t seed = 0; seed < 4; ++seed) {
    std::size_t dimensions[] = {kElements};
    const Launch::Call call{compute, nullptr, dimensions, nullptr, nullptr, 0, 0};
    alignas(Launch) std::byte memory[sizeof(Launch) + 64] = {};
    Launch& launch = *new (memory) Launch;
    launch.set(call, 4, kElements, Launch::Pieces::kChunks);
    launch.time_some_piece(seed);
    launch.run_in_turn();
    const std::int64_t all = kOfEach * static_cast<std::int64_t>(kElements);
    const std::int64_t known = launch.known().ns;
    expect_below("half of the time", all / 2, known);
    expect_below("the time", known, 2 * all);
    history::forget(reinterpret_cast<const void*>(compute), kElements);
  }
}

}  // namespace native
