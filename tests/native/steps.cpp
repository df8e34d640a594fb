#include "steps.h"

#include <chrono>
#include <thread>

#include "forks.h"
#include "launches.h"
#include "numba/chunks.h"
#include "openmp/runtime.h"
#include "settings.h"
#include "threads/thread_count.h"
#include "watch.h"

namespace native {
namespace {

// A region of somebody else's, in which every thread launches.
void launch_in_region(Random& random) {
  const Step step("launches in a region");
  struct Region {
    std::uint64_t seed;
  } region{random.next()};
  ompsafe::Runtime::bound()->parallel(
      [](void* data) {
        const int member = ompsafe::Runtime::bound()->get_thread_num();
        Random of_member(static_cast<Region*>(data)->seed + static_cast<std::uint64_t>(member));
        launch(of_member, 1);
        if (of_member.once_in(16)) fork_and_launch(of_member);
      },
      &region, static_cast<unsigned>(random.between(1, 4)));
}

void sleep(Random& random) {
  std::this_thread::sleep_for(std::chrono::microseconds(random.between(1, 200)));
}

}  // namespace

void live(Random random) {
  Settings settings;
  for (int i = random.between(1, 40); i > 0; --i) {
    switch (random.between(1, 20)) {
      case 1:
        launch_in_region(random);
        break;
      case 2: {
        const Step step("a short-lived thread");
        std::thread([seed = random.next()] {
          Random own(seed);
          launch(own, kDepth);
        }).join();
        break;
      }
      case 3:
        sleep(random);
        break;
      case 4:
        if (random.once_in(4)) fork_and_launch(random);
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        settings.change(random);
        break;
      default: {
        const Step step("a launch");
        launch(random, kDepth);
      }
    }
    settings.check();
  }
}

void do_something_in_a_kernel(Random& random, int depth, std::mutex& of_launch) {
  switch (random.between(1, 60)) {
    case 1:
      ompsafe::ompsafe_set_num_threads(random.between(1, 12));
      break;
    case 2:
      ompsafe::ompsafe_set_parallel_chunksize(static_cast<std::uintptr_t>(random.between(1, 9)));
      break;
    case 3:
      sleep(random);
      break;
    case 4: {
      const std::lock_guard lock(of_launch);
      if (depth > 0) launch(random, depth - 1);
      break;
    }
    case 5:
      if (random.once_in(20)) fork_and_launch(random);
      break;
    case 6:
    case 7:
    case 8:
      if (depth > 0) launch(random, depth - 1);
      break;
    default:
      break;
  }
}

}  // namespace native
