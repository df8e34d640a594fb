#include "at_work.h"

#include <atomic>

namespace ompsafe::at_work {
namespace {

alignas(64) std::atomic<int> count{0};

}  // namespace

int threads() { return count.load(std::memory_order_relaxed); }

void begin(int threads) { count.fetch_add(threads, std::memory_order_relaxed); }
void end(int threads) { count.fetch_sub(threads, std::memory_order_relaxed); }

bool begin_below(int limit) {
  int now = threads();
  while (now < limit) {
    if (count.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

void forget() { count.store(0, std::memory_order_relaxed); }

}  // namespace ompsafe::at_work
