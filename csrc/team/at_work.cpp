#include "team/at_work.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include "system/thread_state.h"

namespace ompsafe::at_work {
namespace {

// Threads, and launches in the upper half.
constexpr std::int64_t kLaunch = std::int64_t{1} << 32;
alignas(64) std::atomic<std::int64_t> count{0};

int threads_of(std::int64_t now) { return static_cast<std::int32_t>(now); }

void end(std::int64_t amount) {
  ThreadState& thread = this_thread;
  // What began last ends first.
  const std::int64_t counted = std::min(amount, thread.at_work);
  thread.at_work -= counted;
  thread.at_work_before_fork -= amount - counted;
  count.fetch_sub(counted);
}

}  // namespace

// In one order with who falls asleep: either that one sees that a core is free, or who has just
// ended sees that one sleeps (core_is_free in crew.h). So is every end.
int threads() { return threads_of(count.load()); }

int launches() {
  const std::int64_t now = count.load(std::memory_order_relaxed);
  return static_cast<int>((now - threads_of(now)) / kLaunch);
}

void begin_launch(int threads) {
  count.fetch_add(kLaunch + threads, std::memory_order_relaxed);
  this_thread.at_work += kLaunch + threads;
}

void end_launch(int threads) { end(kLaunch + threads); }

void launch_ends_with_thread() { end(this_thread.at_work); }

bool begin_help_below(int limit) {
  std::int64_t now = count.load(std::memory_order_relaxed);
  while (threads_of(now) < limit) {
    if (!count.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) continue;
    ++this_thread.at_work;
    return true;
  }
  return false;
}

void end_help() { end(1); }

void pause() { count.fetch_sub(1); }
void go_on() { count.fetch_add(1, std::memory_order_relaxed); }

void forget() {
  ThreadState& thread = this_thread;
  thread.at_work_before_fork += std::exchange(thread.at_work, 0);
  count.store(0, std::memory_order_relaxed);
}

}  // namespace ompsafe::at_work
