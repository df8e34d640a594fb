#include "crowd.h"

#include <atomic>

#include "runtime.h"
#include "thread_state.h"

namespace ompsafe::crowd {
namespace {

std::atomic<int> threads_in_pools{0};

}  // namespace

bool crowded(const Runtime& runtime) {
  return threads_in_pools.load(std::memory_order_relaxed) > runtime.cores();
}

void count_pool(int threads) {
  int& counted = this_thread.pool_size;
  if (counted == threads) return;
  threads_in_pools.fetch_add(threads - counted, std::memory_order_relaxed);
  counted = threads;
  if (threads == 0) this_thread.launches_without_pool = 0;
}

void forget_pools() {
  this_thread.pool_size = 0;
  this_thread.launches_without_pool = 0;
  threads_in_pools.store(0, std::memory_order_relaxed);
}

}  // namespace ompsafe::crowd
