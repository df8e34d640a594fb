#include "team/team.h"

#include <alloca.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "openmp/runtime.h"
#include "openmp/torch.h"
#include "system/platform.h"
#include "system/thread_state.h"
#include "team/at_work.h"
#include "team/crew.h"
#include "team/region.h"
#include "team/share.h"
#include "threads/cores.h"
#include "threads/pool_count.h"
#include "threads/pool_end.h"
#include "threads/pools.h"
#include "work/history.h"
#include "work/slots.h"

namespace ompsafe {
namespace {

// So many after one beside which another thread launched: that one comes back, and the threads of a
// region spin beside it for milliseconds.
constexpr std::uint8_t kLaunchesToShare = 64;
// A prime: the launches of a loop are all timed in turn.
constexpr std::uint32_t kTimedOneIn = 61;

// In nanoseconds, what a slot takes on its way to a thread that looks at the board; slots are
// claimed one after the other.
constexpr std::int64_t kHandOver = 400, kClaim = 150;

// In nanoseconds, what a piece of a block takes besides its work, to claim it and to call the
// kernel, and what it takes a member of a team to see what is left of another one's block.
constexpr std::int64_t kPiece = 100, kLookAtBlock = 80;

std::int64_t hand_over_ns(unsigned threads) { return kHandOver + kClaim * threads; }

// What it takes to set threads to work on a launch here and now: whoever is going to run it. What
// they read of the launch is on its way from core to core for as long as the empty region is.
std::int64_t cost(unsigned team_size, unsigned threads) {
  if (team_size != 0) {
    if (const std::int64_t empty = region::empty_ns()) return 2 * empty;
    // A program that launches little, or a forked child, may need none.
    std::uint8_t& launches = this_thread.launches_without_pool;
    if (launches == pool_count::kLaunchesWithout) return hand_over_ns(threads);
    ++launches;
    return crew::kUsualWake;
  }
  return crew::awake() ? hand_over_ns(threads) : crew::kUsualWake;
}

// The longest launch, in nanoseconds on one thread, that gains nothing by `threads` threads that
// cost `cost` to set to work.
std::int64_t longest_alone(unsigned threads, std::int64_t cost) {
  return cost * threads / (threads - 1);
}

// Into how many pieces a block is cut: so few that each is 50 times what it takes besides, and not
// at all where looking at all blocks would be more than a twentieth of one.
std::size_t pieces_of_block(const Launch& launch, const history::Known& known) {
  const auto slots = static_cast<std::int64_t>(launch.slots());
  const std::int64_t block = known.ns / slots;
  if (block < 20 * kLookAtBlock * slots) return 1;
  return std::min<std::size_t>(block / (50 * kPiece), launch.most_pieces_of_block());
}

void run_with_threads(const Runtime& runtime, Launch& launch, const history::Known& known,
                      unsigned team_size, unsigned threads) {
  if (team_size != 0) {
    region::run(runtime, launch, team_size, threads);
  } else {
    share(runtime, launch, known, threads, false);
  }
}

// Now and then, to learn from it.
void run_timed(const Runtime& runtime, Launch& launch, const history::Known& known,
               unsigned team_size, unsigned threads) {
  launch.time_some_piece(this_thread.launches);
  const std::int64_t begin = platform::clock_ns();
  run_with_threads(runtime, launch, known, team_size, threads);
  // By the clock, which runs on while others have the cores: no more than that it was not brief.
  if (platform::clock_ns() - begin > crew::kUsualWake) launch.learn_longer(crew::kUsualWake);
}

// One in so many, and those of which nothing is known.
bool is_to_be_timed(const history::Known& known) {
  const bool in_turn = this_thread.launches++ % kTimedOneIn == 0;
  return in_turn || !known.anything;
}

bool other_threads_launch() {
  std::uint8_t& to_share = this_thread.launches_to_share;
  if (at_work::launches() != 0) {
    to_share = kLaunchesToShare;
  } else if (to_share != 0) {
    --to_share;
  } else {
    return false;
  }
  return true;
}

void run_outside_regions(const Runtime& runtime, Launch& launch) {
  const history::Known known = launch.known();
  const bool timed = is_to_be_timed(known);
  // Its pool's threads have the cores that it had when they were started.
  if ((timed || cores::unknown()) && cores::look(runtime)) end_pool_of_this_thread();
  unsigned threads = launch.slots();
  if (known.computing) threads = std::min<unsigned>(threads, cores::count());
  if (threads == 1) {
    launch.run_in_turn();
    return;
  }
  const bool shared = other_threads_launch() || known.nests || region::lose_time();
  unsigned team_size = shared ? 0 : region::team_here(runtime, threads);
  if (known.computing) {
    const std::int64_t longest = longest_alone(threads, cost(team_size, threads));
    if (known.ns <= longest) {
      if (launch.run_in_turn_within(longest)) return;
      if (!shared) team_size = region::team_here(runtime, threads);  // the kernel may have forked
    }
  }
  if (const std::size_t pieces = pieces_of_block(launch, known); pieces > 1) {
    std::size_t space = (launch.slots() + 1) * sizeof(Launch::Claimed);
    void* memory = alloca(space);
    launch.cut_finely(pieces, static_cast<Launch::Claimed*>(std::align(
                                  alignof(Launch::Claimed),
                                  launch.slots() * sizeof(Launch::Claimed), memory, space)));
  }
  if (timed) {
    run_timed(runtime, launch, known, team_size, threads);
  } else {
    run_with_threads(runtime, launch, known, team_size, threads);
  }
}

// Inside of a slot: with whoever has nothing to do, if it is worth it.
void run_nested(const Runtime& runtime, Launch& launch, const Launch& outer) {
  const history::Known known = launch.known();
  const auto threads = static_cast<unsigned>(launch.slots());
  if (is_to_be_timed(known)) launch.time_some_piece(this_thread.launches);
  if (known.computing && known.ns <= longest_alone(threads, hand_over_ns(threads))) {
    launch.run_in_turn();
    return;
  }
  if (known.anything && !outer.known().nests) outer.learn_nests();
  // In a long one, somebody may have nothing to do later.
  const bool is_long = !known.computing || known.ns > crew::kUsualWake;
  if (is_long ? crew::exists() : crew::idle()) {
    share(runtime, launch, known, threads, true);
  } else {
    launch.run_in_turn();
  }
}

}  // namespace

void run_slots_in_team(Launch& launch) {
  if (launch.indivisible()) {
    launch.run_in_turn();
    return;
  }
  if (const Launch* outer = this_thread.launch) {
    run_nested(*Runtime::bound(), launch, *outer);
    return;
  }
  torch::look_for_torch();
  const Runtime& runtime = *Runtime::bound();
  const bool lost = pools::lost_here(runtime);
  const int active_level = lost ? 0 : runtime.get_active_level();
  if (lost && !pools::end_at_forks()) {
    launch.run_in_turn();
  } else if (active_level == 0) {
    run_outside_regions(runtime, launch);
  } else if (runtime.allows_deeper(active_level)) {
    share(runtime, launch, launch.known(), launch.slots(), false);
  } else {
    launch.run_in_turn();
  }
}

}  // namespace ompsafe
