#include "fork.h"

#include <pthread.h>

#include <atomic>
#include <mutex>

#include "platform.h"
#include "pools.h"
#include "primary_thread.h"
#include "runtime.h"
#include "thread_state.h"

namespace ompsafe {
namespace {

constinit std::mutex forking;
std::atomic<bool> handled{false};
std::atomic<bool> end_pools_at_fork{true};

void before_fork() {
  forking.lock();
  pools::prepare_fork(forks_end_pools());
}

void in_parent() { forking.unlock(); }

void in_child() {
  pools::after_fork_in_child();
  forget_primary_threads();
  forking.unlock();
}

struct PoolEnd {
  ~PoolEnd() {
    const NoForkMeanwhile no_fork;
    pools::end_here();
  }
};

}  // namespace

NoForkMeanwhile::NoForkMeanwhile() { forking.lock(); }
NoForkMeanwhile::~NoForkMeanwhile() { forking.unlock(); }

void handle_forks(bool end_pools, const char* newer_than_fork) {
  const NoForkMeanwhile no_fork;
  if (handled.exchange(true)) return;
  end_pools_at_fork = end_pools;
  if (platform::process_was_forked()) pools::count_as_lost(newer_than_fork);
  pthread_atfork(before_fork, in_parent, in_child);
}

bool forks_end_pools() { return end_pools_at_fork.load(std::memory_order_relaxed); }

// The main thread's pool ends with the process.
void end_pool_with_this_thread() {
  if (this_thread.pool_end_arranged) return;
  if (!Runtime::bound()->gnu()) return;
  this_thread.pool_end_arranged = true;
  if (platform::is_main_thread()) return;
  static thread_local PoolEnd at_thread_end;
  static_cast<void>(at_thread_end);
}

}  // namespace ompsafe
