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
#include "thread_supply.h"
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
void run_region(const Runtime& runtime, Launch& launch, unsigned team_size,
                void (*body)(void*) = run_member, void* argument = nullptr) {
  const DynamicOff dynamic_off(runtime);
  launch.set_runtime(runtime);
  runtime.parallel(body, argument == nullptr ? &launch : argument, team_size);
}

struct NewTeam {
  Launch& launch;
  NewThreads& threads;
};

// The team is complete before any of its threads gets here.
void run_member_of_new_team(void* argument) {
  const NewTeam& team = *static_cast<const NewTeam*>(argument);
  if (team.launch.runtime().get_thread_num() == 0) team.threads.started();
  run_member(&team.launch);
}

// Which pool a team comes from: one that launches alone use, or one that torch uses, too.
enum class Pool { kOwn, kShared };

// What becomes of a launch whose team cannot be had in full: a smaller team, or nothing, which the
// caller is told.
enum class IfShort { kFewer, kNothing };

// Whether torch may have built the calling thread's pool: then a smaller team would end threads of
// it, which torch could be refused when it starts them again.
bool torch_may_have_built(unsigned pool_size) {
  return this_thread.pool_size == 0 && platform::threads_of_process() >= pool_size;
}

// With threads to be started; `in_pool` exist already, with the caller. Returns how large the team
// was, 0 if nothing was done.
unsigned run_growing_team(const Runtime& runtime, Launch& launch, unsigned team_size,
                          unsigned in_pool, Pool pool, IfShort if_short) {
  NewThreads threads(runtime, team_size - in_pool);
  const unsigned had = in_pool + threads.had();
  const bool all = had == team_size;
  if (!all && if_short == IfShort::kNothing) return 0;
  if (all) {
    thread_supply::had_all(team_size);
  } else if (had == 1 || (pool == Pool::kShared && torch_may_have_built(team_size))) {
    threads.started();
    thread_supply::had_fewer(team_size, 1);
    launch.run_in_turn();
    return 1;
  } else {
    thread_supply::had_fewer(team_size, had);
  }
  if (runtime.get_active_level() == 0) crowd::count_pool(static_cast<int>(had));
  NewTeam team{launch, threads};
  run_region(runtime, launch, had, run_member_of_new_team, &team);
  return had;
}

// Inside a region: the team's threads are new ones, whatever pools there are.
void run_nested(const Runtime& runtime, Launch& launch) {
  const unsigned team_size = cut_to_limit(runtime, launch.slots());
  run_growing_team(runtime, launch, team_size, 1, Pool::kOwn, IfShort::kFewer);
}

// Where the pool has another size than the team. Not what it had if torch has another count since:
// torch may have made it smaller.
unsigned run_team_of_new_size(const Runtime& runtime, Launch& launch, unsigned team_size, Pool pool,
                              IfShort if_short) {
  const unsigned counted = this_thread.pool_size;
  if (counted > team_size && pool == Pool::kShared) crowd::count_pool(0);
  const unsigned in_pool = std::clamp<unsigned>(this_thread.pool_size, 1, team_size);
  return run_growing_team(runtime, launch, team_size, in_pool, pool, if_short);
}

// Outside of all regions: in the thread's pool, of which its launches then know the size. Returns
// how large the team was, 0 if nothing was done.
unsigned run_team(const Runtime& runtime, Launch& launch, unsigned team_size, Pool pool,
                  IfShort if_short = IfShort::kFewer) {
  team_size = cut_to_limit(runtime, team_size);
  if (team_size != static_cast<unsigned>(this_thread.pool_size)) [[unlikely]] {
    return run_team_of_new_size(runtime, launch, team_size, pool, if_short);
  }
  run_region(runtime, launch, team_size);
  return team_size;
}

// On a thread of the layer's own, whose pool is apart from the caller's; false if none can be had,
// or not with the whole team where that was asked for.
bool run_elsewhere(const Runtime& runtime, Launch& launch, unsigned team_size, IfShort if_short) {
  struct Job {
    const Runtime& runtime;
    Launch& launch;
    unsigned team_size;
    IfShort if_short;
  } job{runtime, launch, team_size, if_short};
  const auto run_job = [](void* argument) {
    const Job& job = *static_cast<const Job*>(argument);
    return run_team(job.runtime, job.launch, job.team_size, Pool::kOwn, job.if_short) != 0;
  };
  return run_under_primary_thread(team_size, run_job, &job);
}

// Where the caller's pool did not survive a fork.
void run_without_own_pool(const Runtime& runtime, Launch& launch) {
  if (forks_end_pools()) {
    if (run_elsewhere(runtime, launch, launch.slots(), IfShort::kFewer)) return;
    thread_supply::had_fewer(launch.slots(), 1);
  }
  launch.run_in_turn();
}

// The pool of the calling thread keeps the size that torch's regions give it. With one thread,
// torch has none.
void run_beside_torch(const Runtime& runtime, Launch& launch, unsigned team_size) {
  const unsigned pool_size = pool_size_here();
  if (pool_size == 1) {
    run_team(runtime, launch, team_size, Pool::kOwn);
  } else if (team_size <= pool_size) {
    run_team(runtime, launch, pool_size, Pool::kShared);
  } else if (!run_elsewhere(runtime, launch, team_size, IfShort::kNothing)) {
    const unsigned had = run_team(runtime, launch, pool_size, Pool::kShared);
    thread_supply::had_fewer(team_size, had);
  }
}

void run_with_threads(const Runtime& runtime, Launch& launch, unsigned team_size) {
  end_pool_with_this_thread();
  if (torch::shares_pool()) {
    run_beside_torch(runtime, launch, team_size);
  } else {
    run_team(runtime, launch, team_size, Pool::kOwn);
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
      run_nested(runtime, launch);
    } else {
      launch.run_in_turn();
    }
  } else {
    run_outside_regions(runtime, launch);
  }
}

}  // namespace ompsafe
