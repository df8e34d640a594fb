#include "team/region.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "openmp/runtime.h"
#include "openmp/torch.h"
#include "system/platform.h"
#include "system/thread_exit.h"
#include "system/thread_state.h"
#include "team/at_work.h"
#include "team/crew.h"
#include "threads/cores.h"
#include "threads/pool_count.h"
#include "threads/pool_end.h"
#include "threads/pools.h"
#include "threads/thread_count.h"
#include "threads/thread_supply.h"
#include "work/slots.h"

namespace ompsafe::region {
namespace {

// For how long it holds that regions lose time, in multiples of the time that one lost: looking
// again costs a hundredth.
constexpr std::int64_t kHolds = 64;

std::atomic<std::int64_t> loses_until{0};

// The caller of a region ends in it: so does the region, before its stack is gone. A kernel may
// have begun regions of its own inside. In the child of a fork nobody is there to wait for.
void leave(const Runtime& runtime) {
  while (this_thread.launch != nullptr && runtime.get_active_level() > 0) runtime.parallel_end();
  at_work::launch_ends_with_thread();
  crew::core_is_free();
}

// What each thread of a team runs. A surplus thread returns at once to the region's barrier, the
// only one that there is.
void run_member(void* argument) {
  Launch& launch = *static_cast<Launch*>(argument);
  launch.prefetch();
  const Runtime& runtime = launch.runtime();
  const int member = runtime.get_thread_num();
  const int team_size = runtime.get_num_threads();
  std::size_t next = launch.first_of_member(member);
  const auto run = [&] { launch.run_as_member(next, team_size); };
  if (member == 0) {
    unless_thread_ends(run, [&] { leave(runtime); });
    this_thread.part_ended = platform::clock_ns();
  } else {
    // The barrier waits for the thread, and no thread of another's pool is a kernel's to end.
    while (!keep_thread(run)) {
    }
  }
}

struct Examined {
  Launch& launch;
  const std::int64_t begin;
  std::atomic<std::int64_t> longest{0};  // that a member had to do, in nanoseconds
};

void run_examined_member(void* argument) {
  Examined& examined = *static_cast<Examined*>(argument);
  const std::int64_t begin = platform::clock_ns();
  run_member(&examined.launch);
  const std::int64_t taken = platform::clock_ns() - begin;
  std::int64_t longest = examined.longest.load(std::memory_order_relaxed);
  while (taken > longest && !examined.longest.compare_exchange_weak(longest, taken)) {
  }
}

// What a region took beyond what its longest member had to do, it lost at the barrier.
void run_examined(const Runtime& runtime, Launch& launch, unsigned team_size) {
  Examined examined{launch, platform::clock_ns()};
  runtime.parallel(run_examined_member, &examined, team_size);
  const std::int64_t end = platform::clock_ns();
  const std::int64_t lost = end - examined.begin - examined.longest.load();
  if (lost <= crew::kUsualWake) return;
  loses_until.store(end + kHolds * lost, std::memory_order_relaxed);
  this_thread.examine_until = end + 2 * kHolds * lost;
}

// Its caller waited for longer than it takes to wake a thread. Either another member had more to
// do, or one has lost its core: the next regions are looked at.
[[gnu::cold]] void waited_long(std::int64_t now, std::int64_t waited) {
  this_thread.examine_until = now + kHolds * waited;
}

void run_team(const Runtime& runtime, Launch& launch, unsigned team_size) {
  const DynamicOff dynamic_off(runtime);
  launch.set_runtime(runtime);
  ThreadState& thread = this_thread;
  if (thread.examine_until != 0) [[unlikely]] {
    if (platform::clock_ns() < thread.examine_until) {
      run_examined(runtime, launch, team_size);
      return;
    }
    thread.examine_until = 0;
  }
  runtime.parallel(run_member, &launch, team_size);
  const std::int64_t now = platform::clock_ns();
  const std::int64_t waited = now - thread.part_ended;
  if (waited > crew::kUsualWake) [[unlikely]]
    waited_long(now, waited);
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

// Whether torch may have built the calling thread's pool: then a smaller team would end threads of
// it, which torch could be refused when it starts them again.
bool torch_may_have_built(unsigned pool_size) {
  return this_thread.pool_size == 0 && platform::threads_of_process() >= pool_size;
}

// The best of a few, since others may interrupt one.
std::int64_t measure_empty(const Runtime& runtime, unsigned team_size) {
  std::int64_t best = crew::kUsualWake;
  for (int i = 0; i < 4; ++i) {
    const std::int64_t begin = platform::clock_ns();
    runtime.parallel([](void*) {}, nullptr, team_size);
    best = std::min(best, platform::clock_ns() - begin);
  }
  return best;
}

// With threads to be started; `in_pool` exist already, with the caller.
void run_growing_team(const Runtime& runtime, Launch& launch, unsigned team_size, unsigned in_pool,
                      bool shared) {
  cores::look(runtime);
  if (cores::leave_places()) {
    launch.run_in_turn();
    return;
  }
  NewThreads threads(runtime, team_size - in_pool);
  const unsigned had = in_pool + threads.had();
  const bool all = had == team_size;
  if (all) {
    thread_supply::had_all(team_size);
  } else if (had == 1 || (shared && torch_may_have_built(team_size))) {
    threads.started();
    thread_supply::had_fewer(team_size, 1);
    launch.run_in_turn();
    return;
  } else {
    thread_supply::had_fewer(team_size, had);
  }
  pool_count::set_here(static_cast<int>(had));
  const DynamicOff dynamic_off(runtime);
  launch.set_runtime(runtime);
  NewTeam team{launch, threads};
  runtime.parallel(run_member_of_new_team, &team, had);
  if (all && !pools::lost_here(runtime)) this_thread.empty_region_ns = measure_empty(runtime, had);
}

// Where the pool has another size than the team. Not what it had if torch has another count since:
// torch may have made it smaller.
void run_team_of_new_size(const Runtime& runtime, Launch& launch, unsigned team_size) {
  const bool shared = torch::shares_pool();
  if (this_thread.pool_size > static_cast<int>(team_size) && shared) pool_count::set_here(0);
  const unsigned in_pool = std::clamp<unsigned>(this_thread.pool_size, 1, team_size);
  run_growing_team(runtime, launch, team_size, in_pool, shared);
}

// Whether the calling thread, which has no pool, has launched little yet, as one that a server
// starts for each request. Not the main thread, and none that has a pool of torch's: torch's code
// has run there.
bool may_end_soon() {
  std::uint8_t& launches = this_thread.launches_without_pool;
  if (launches == pool_count::kLaunchesWithout || platform::is_main_thread()) return false;
  if (torch::shares_pool() && torch::has_run_here()) return false;
  ++launches;
  return true;
}

// thread-limit-var is obeyed here, since LLVM's runtime prints a warning where it has to cut a
// team.
unsigned cut_to_limit(const Runtime& runtime, unsigned team_size) {
  return std::min<unsigned>(team_size, runtime.get_thread_limit());
}

}  // namespace

unsigned team_here(const Runtime& runtime, unsigned threads) {
  if (pools::lost_here(runtime) || this_thread.pool_ended || cores::leave_places()) return 0;
  // Launches may have moved to torch's runtime, where they have not built a pool yet.
  if (std::exchange(this_thread.pool_runtime, &runtime) != &runtime) pool_count::set_here(0);
  // With one thread, torch has no pool.
  const int torchs = torch::shares_pool() ? pool_size_here() : 1;
  if (threads > static_cast<unsigned>(torchs > 1 ? torchs : cores::count())) return 0;
  if (torchs > 1) threads = torchs;
  const int here = this_thread.pool_size, wanted = static_cast<int>(threads);
  if (here == 0 && may_end_soon()) return 0;
  const int elsewhere = pool_count::threads() - here;
  if (wanted > here && elsewhere > 0 && elsewhere + wanted > cores::count()) return 0;
  return cut_to_limit(runtime, threads);
}

std::int64_t empty_ns() { return this_thread.pool_size == 0 ? 0 : this_thread.empty_region_ns; }

bool lose_time() {
  const std::int64_t until = loses_until.load(std::memory_order_relaxed);
  if (until == 0) return false;
  if (platform::clock_ns() < until) return true;
  loses_until.store(0, std::memory_order_relaxed);
  return false;
}

void run(const Runtime& runtime, Launch& launch, unsigned team_size, unsigned threads) {
  end_pool_with_this_thread();
  at_work::begin_launch(static_cast<int>(threads));
  if (team_size == static_cast<unsigned>(this_thread.pool_size)) [[likely]] {
    run_team(runtime, launch, team_size);
  } else {
    run_team_of_new_size(runtime, launch, team_size);
  }
  at_work::end_launch(static_cast<int>(threads));
  crew::core_is_free();
}

}  // namespace ompsafe::region
