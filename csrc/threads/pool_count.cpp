#include "threads/pool_count.h"

#include <atomic>

#include "system/thread_state.h"

namespace ompsafe::pool_count {
namespace {

std::atomic<int> in_pools{0};

}  // namespace

int threads() { return in_pools.load(std::memory_order_relaxed); }

void set_here(int threads) {
  ThreadState& thread = this_thread;
  if (thread.pool_size == threads) return;
  in_pools.fetch_add(threads - thread.pool_size, std::memory_order_relaxed);
  thread.pool_size = threads;
  if (threads == 0) thread.launches_without_pool = 0;
}

void forget() {
  this_thread.pool_size = 0;
  this_thread.launches_without_pool = 0;
  in_pools.store(0, std::memory_order_relaxed);
}

}  // namespace ompsafe::pool_count
