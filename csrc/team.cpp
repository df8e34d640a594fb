#include "team.h"

#include <algorithm>

#include "crowd.h"
#include "fork.h"
#include "history.h"
#include "platform.h"
#include "pools.h"
#include "primary_thread.h"
#include "runtime.h"
#include "slots.h"
#include "thread_count.h"
#include "thread_state.h"
#include "torch.h"

namespace ompsafe {
namespace {

constexpr std::uint8_t kLaunchesWithoutPool = 64;
// A prime: the launches of a loop are all timed in turn.
constexpr std::uint32_t kTimedOneIn = 61;

// What each thread of a team runs. A surplus thread returns at once to the region's barrier, the
// only one that there is.
void run_member(void* argument) {
  Launch& launch = *static_cast<Launch*>(argument);
  launch.prefetch();
  const Runtime& runtime = launch.runtime();
  launch.run_as_member(runtime.get_thread_num(), runtime.get_num_threads());
}

// thread-limit-var is obeyed here, since LLVM's runtime prints a warning where it has to cut a
// team.
unsigned cut_to_limit(const Runtime& runtime, unsigned team_size) {
  return std::min<unsigned>(team_size, runtime.get_thread_limit());
}

// The team may be smaller than asked for: then each thread runs more slots.
void run_region(const Runtime& runtime, Launch& launch, unsigned team_size) {
  const DynamicOff dynamic_off(runtime);
  launch.set_runtime(runtime);
  runtime.parallel(run_member, &launch, cut_to_limit(runtime, team_size));
}

// Outside of all regions: in the thread's pool, of which its launches then know the size.
void run_team(const Runtime& runtime, Launch& launch, unsigned team_size) {
  crowd::count_pool(static_cast<int>(cut_to_limit(runtime, team_size)));
  run_region(runtime, launch, team_size);
}

// On a thread of the layer's own, whose pool is apart from the caller's; false if none can be had.
bool run_elsewhere(const Runtime& runtime, Launch& launch, unsigned team_size) {
  struct Job {
    const Runtime& runtime;
    Launch& launch;
    unsigned team_size;
  } job{runtime, launch, team_size};
  const auto run_job = [](void* argument) {
    const Job& job = *static_cast<const Job*>(argument);
    run_team(job.runtime, job.launch, job.team_size);
  };
  return run_under_primary_thread(team_size, run_job, &job);
}

// Where the caller's pool did not survive a fork.
void run_without_own_pool(const Runtime& runtime, Launch& launch) {
  if (!forks_end_pools() || !run_elsewhere(runtime, launch, launch.slots())) launch.run_in_turn();
}

// The pool of the calling thread keeps the size that torch's regions give it. With one thread,
// torch has none.
void run_beside_torch(const Runtime& runtime, Launch& launch, unsigned team_size) {
  const unsigned pool_size = pool_size_here();
  if (pool_size == 1) {
    run_team(runtime, launch, team_size);
  } else if (team_size <= pool_size || !run_elsewhere(runtime, launch, team_size)) {
    run_team(runtime, launch, pool_size);
  }
}

void run_with_threads(const Runtime& runtime, Launch& launch, unsigned team_size) {
  end_pool_with_this_thread();
  if (torch::shares_pool()) {
    run_beside_torch(runtime, launch, team_size);
  } else {
    run_team(runtime, launch, team_size);
  }
}

// Now and then, to learn from it.
void run_timed(const Runtime& runtime, Launch& launch, unsigned team_size) {
  launch.time_some_piece(this_thread.launches);
  const std::int64_t begin = platform::clock_ns();
  run_with_threads(runtime, launch, team_size);
  if (platform::clock_ns() - begin > history::kBrief) launch.learn_not_tiny();
}

// Building a pool takes as long as dozens of launches: a thread that ends before, or a forked
// child, may need none.
bool does_without_pool(ThreadState& thread) {
  if (thread.pool_size != 0 || thread.launches_without_pool == kLaunchesWithoutPool) return false;
  ++thread.launches_without_pool;
  return true;
}

// On a thread that is in no region and has not lost its pool.
void run_outside_regions(const Runtime& runtime, Launch& launch) {
  ThreadState& thread = this_thread;
  const bool timed = thread.launches++ % kTimedOneIn == 0;
  const bool without_pool = does_without_pool(thread);
  const bool dear = without_pool || crowd::crowded(runtime);
  const history::Known known = launch.known();
  if (known.tiny || (dear && known.brief)) {
    if (launch.run_in_turn_within(dear ? history::kBrief : history::kTiny)) return;
    if (pools::lost_here(runtime)) {  // the kernel has forked
      run_without_own_pool(runtime, launch);
      return;
    }
  }
  unsigned team_size = launch.slots();
  if (known.computing) team_size = std::min<unsigned>(team_size, runtime.cores());
  if (timed || !known.anything) {
    run_timed(runtime, launch, team_size);
  } else {
    run_with_threads(runtime, launch, team_size);
  }
}

}  // namespace

void run_slots_in_team(Launch& launch) {
  if (launch.indivisible()) {
    launch.run_in_turn();
    return;
  }
  torch::look_for_torch();
  const Runtime& runtime = *Runtime::bound();
  if (pools::lost_here(runtime)) {
    run_without_own_pool(runtime, launch);
    return;
  }
  const int active_level = runtime.get_active_level();
  if (active_level > 0) {
    if (runtime.allows_deeper(active_level)) {
      run_region(runtime, launch, launch.slots());
    } else {
      launch.run_in_turn();
    }
  } else {
    run_outside_regions(runtime, launch);
  }
}

}  // namespace ompsafe
