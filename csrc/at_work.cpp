#include "at_work.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "thread_state.h"

namespace ompsafe::at_work {
namespace {

alignas(64) std::atomic<int> count{0};

}  // namespace

int threads() { return count.load(std::memory_order_relaxed); }

void begin(int threads) {
  count.fetch_add(threads, std::memory_order_relaxed);
  this_thread.at_work += threads;
}

void end(int threads) {
  ThreadState& thread = this_thread;
  // What began last ends first.
  const int counted = std::min(threads, thread.at_work);
  thread.at_work -= counted;
  thread.at_work_before_fork -= threads - counted;
  count.fetch_sub(counted, std::memory_order_relaxed);
}

void pause() { count.fetch_sub(1, std::memory_order_relaxed); }
void go_on() { count.fetch_add(1, std::memory_order_relaxed); }

bool begin_below(int limit) {
  int now = threads();
  while (now < limit) {
    if (!count.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) continue;
    ++this_thread.at_work;
    return true;
  }
  return false;
}

void forget() {
  ThreadState& thread = this_thread;
  thread.at_work_before_fork += std::exchange(thread.at_work, 0);
  count.store(0, std::memory_order_relaxed);
}

}  // namespace ompsafe::at_work
