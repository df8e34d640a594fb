#include "team/crew.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <mutex>

#include "openmp/runtime.h"
#include "system/no_fork.h"
#include "system/platform.h"
#include "system/thread_exit.h"
#include "team/at_work.h"
#include "team/board.h"
#include "threads/cores.h"
#include "threads/thread_supply.h"

namespace ompsafe::crew {
namespace {

// The crew in one word: calls that nobody has heard yet (what sleepers wait for), threads that look
// at the board or are about to, and threads that sleep. A call counts its sleeper as awake at once,
// so that nobody calls it twice.
constexpr std::uint64_t kCall = 1;
constexpr std::uint64_t kAwake = std::uint64_t{1} << 32;
constexpr std::uint64_t kAsleep = std::uint64_t{1} << 48;
constexpr unsigned kMostThreads = 0xFFFF;  // that one of its parts can count
struct alignas(64) State {
  std::atomic<std::uint64_t> word{0};

  static unsigned calls(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
  static unsigned awake(std::uint64_t word) { return word >> 32 & 0xFFFF; }
  static unsigned asleep(std::uint64_t word) { return word >> 48; }

  // The half that the kernel looks at.
  const std::atomic<std::uint32_t>& heard() const {
    return reinterpret_cast<const std::atomic<std::uint32_t>*>(
        this)[std::endian::native == std::endian::big];
  }
};
State state;

alignas(64) std::atomic<unsigned> size{0};
// Whether one of the crew looks every now and then.
std::atomic<bool> watched{false};

// How many threads may be at work for one of the crew to join them: fewer than there are cores; for
// kernels that wait, fewer than the crew has.
int limit_for(bool core_free) {
  return core_free ? cores::count() : static_cast<int>(size.load(std::memory_order_relaxed));
}

bool work_for(bool core_free) {
  return at_work::threads() < limit_for(core_free) && Board::offers({.core_free = core_free});
}

void sleep_or_watch() {
  // In one order with the posts: either it is seen here, or its caller sees that nobody watches.
  if (!Board::offers({}) || watched.exchange(true)) {
    platform::wait_while(state.heard(), 0);
    return;
  }
  platform::wait_while(state.heard(), 0, kLookAgain);
  watched.store(false);
}

// Until somebody calls, or there is work without it.
void sleep() {
  std::uint64_t now = state.word.fetch_add(kAsleep - kAwake) + kAsleep - kAwake;
  for (;;) {
    if (State::calls(now) != 0) {
      if (!state.word.compare_exchange_weak(now, now - kCall)) continue;
      return;
    }
    if (work_for(true) || work_for(false)) {
      if (state.word.compare_exchange_weak(now, now - kAsleep + kAwake)) return;
      continue;
    }
    sleep_or_watch();
    now = state.word.load();
  }
}

// Wakes some, so that `helpers` are awake.
void wake(unsigned helpers) {
  std::uint64_t now = state.word.load();
  unsigned called;
  do {
    const unsigned awake = State::awake(now);
    if (awake >= helpers) return;
    called = std::min(helpers - awake, State::asleep(now));
    if (called == 0) return;
  } while (
      !state.word.compare_exchange_weak(now, now + called * (kCall + kAwake) - called * kAsleep));
  platform::wake(state.heard(), called);
}

// Where the last one that looked has found work, and there is more of it: another one is to look.
void hand_over() {
  if (!awake() && !watched.load()) core_is_free();
}

// Runs slots of a launch as long as it has some; false if there is none.
bool help(bool core_free, unsigned& from) {
  if (!work_for(core_free)) return false;
  if (!at_work::begin_help_below(limit_for(core_free))) return false;
  state.word.fetch_sub(kAwake);
  const Claimant who{.core_free = core_free};
  const Board::Claim claim = Board::claim(from, who);
  if (claim.post != nullptr) {
    hand_over();
    Board::run(claim, who);
  }
  state.word.fetch_add(kAwake, std::memory_order_relaxed);
  at_work::end_help();
  return claim.post != nullptr;
}

// Makes the calling thread one of the crew for launches on `runtime`. Regions of kernels are there
// as they are inside of a team: of one thread.
void join(const Runtime& runtime) {
  runtime.meet_this_thread();
  const NoForkMeanwhile no_fork;
  runtime.set_num_threads(1);
  // Where it binds threads to places, GNU's binds this one now, and not in a kernel's region.
  runtime.parallel([](void*) {}, nullptr, 1);
}

void serve() {
  const Runtime* runtime = nullptr;
  cores::Used used;  // who started it may have been bound to one
  unsigned from = 0;
  for (;;) {
    if (runtime != Runtime::bound()) {
      runtime = Runtime::bound();
      join(*runtime);
      used = {};
    }
    std::int64_t begin = platform::clock_ns();
    std::int64_t used_at = 0;
    while (platform::clock_ns() - begin < kUsualWake) {
      // As it wakes, and every few milliseconds that it is awake.
      if (const std::int64_t now = platform::coarse_clock_ns(); used_at != now) {
        cores::use(used);
        used_at = now;
      }
      if (help(true, from) || help(false, from)) {
        begin = platform::clock_ns();
      } else if (at_work::threads() >= cores::count()) {
        break;
      } else {
        platform::pause();
      }
    }
    sleep();
  }
}

// A kernel ends its thread: another one will be started.
void leave() {
  if (Board::helper_ends()) {
    at_work::end_help();
  } else {
    state.word.fetch_sub(kAwake);
  }
  size.fetch_sub(1);
}

// Who finds somebody at it does without. Not tried again for a while where the system gave none.
void grow(const Runtime& runtime, unsigned threads) {
  const std::unique_lock<std::mutex> alone = thread_supply::try_alone();
  if (!alone.owns_lock()) return;
  threads = std::min(threads, kMostThreads);
  const std::size_t stack = thread_supply::stack_size(runtime);
  for (unsigned now = size.load(); now < threads && thread_supply::expected(1) != 0; ++now) {
    state.word.fetch_add(kAwake);
    if (!platform::start_thread([](void*) { unless_thread_ends(serve, leave); }, nullptr, stack)) {
      state.word.fetch_sub(kAwake);
      thread_supply::fell_short(0);
      return;
    }
    size.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

bool awake() { return State::awake(state.word.load(std::memory_order_relaxed)) != 0; }

bool idle() { return state.word.load(std::memory_order_relaxed) >= kAwake; }

bool exists() { return size.load(std::memory_order_relaxed) != 0; }

unsigned call(const Runtime& runtime, unsigned helpers, bool watch) {
  // Beside those that run slots, as far as there are cores. One more than that, for the core of a
  // caller who has come to wait.
  const unsigned has = size.load(std::memory_order_relaxed);
  const std::uint64_t now = state.word.load();
  const unsigned busy = has - std::min(has, State::awake(now) + State::asleep(now));
  const unsigned with_cores = std::min<unsigned>(busy + helpers + 1, cores::count());
  const unsigned wanted = std::max(helpers + 1, with_cores);
  if (has < wanted) grow(runtime, wanted);
  wake(watch && !watched.load() ? helpers + 1 : helpers);
  return std::min(helpers, size.load(std::memory_order_relaxed));
}

void core_is_free() {
  const std::uint64_t now = state.word.load();
  if (State::asleep(now) != 0 && Board::offers({})) wake(State::awake(now) + 1);
}

void forget() {
  state.word.store(0);
  size.store(0);
  watched.store(false);
}

}  // namespace ompsafe::crew
