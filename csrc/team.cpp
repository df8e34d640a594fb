#include "team.h"

#include <algorithm>

#include "fork.h"
#include "pools.h"
#include "primary_thread.h"
#include "runtime.h"
#include "slots.h"
#include "thread_count.h"
#include "torch.h"

namespace ompsafe {
namespace {

struct Region {
  const Runtime& runtime;
  Launch& launch;
};

// What each thread of a team runs. A surplus thread returns at once to the region's barrier, the
// only one that there is.
void run_member(void* argument) {
  const Region& region = *static_cast<const Region*>(argument);
  region.launch.run_as_member(region.runtime.get_thread_num(), region.runtime.get_num_threads());
}

// The team may be smaller than asked for: then each thread runs more slots. thread-limit-var is
// obeyed here, since LLVM's runtime prints a warning where it has to cut a team.
void run_team(const Runtime& runtime, Launch& launch, unsigned team_size) {
  const DynamicOff dynamic_off(runtime);
  Region region{runtime, launch};
  const unsigned limit = runtime.get_thread_limit();
  runtime.parallel(run_member, &region, std::min(team_size, limit));
}

// On a thread of the layer's own, whose pool is apart from the caller's; false if none can be had.
bool run_elsewhere(const Runtime& runtime, Launch& launch) {
  Region job{runtime, launch};
  const auto run_job = [](void* argument) {
    const Region& region = *static_cast<const Region*>(argument);
    run_team(region.runtime, region.launch, region.launch.slots());
  };
  return run_under_primary_thread(launch.slots(), run_job, &job);
}

// The pool of the calling thread keeps the size that torch's regions give it.
void run_beside_torch(const Runtime& runtime, Launch& launch) {
  const unsigned pool_size = pool_size_here();
  if (launch.slots() <= pool_size || !run_elsewhere(runtime, launch)) {
    run_team(runtime, launch, pool_size);
  }
}

}  // namespace

void run_slots_in_team(Launch& launch) {
  if (launch.slots() == 1 || launch.work() <= 1) {
    launch.run_in_turn();
    return;
  }
  torch::look_for_torch();
  const Runtime& runtime = *Runtime::bound();
  if (pools::lost_here(runtime)) {
    if (!forks_end_pools() || !run_elsewhere(runtime, launch)) launch.run_in_turn();
    return;
  }
  const int active_level = runtime.get_active_level();
  if (active_level > 0) {
    if (runtime.allows_deeper(active_level)) {
      run_team(runtime, launch, launch.slots());
    } else {
      launch.run_in_turn();
    }
  } else {
    end_pool_with_this_thread();
    if (torch::shares_pool()) {
      run_beside_torch(runtime, launch);
    } else {
      run_team(runtime, launch, launch.slots());
    }
  }
}

}  // namespace ompsafe
