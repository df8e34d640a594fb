#include "fork.h"

#include <pthread.h>

#include <mutex>

#include "platform.h"
#include "primary_thread.h"
#include "runtime.h"
#include "thread_state.h"

namespace ompsafe {
namespace {

// Held while a thread ends its pool, and during a fork.
constinit std::mutex ending_a_pool;

// A child that lost its pool stays without one. In the parent nothing is lost.
constinit thread_local bool lost_before_fork = false;

void before_fork() {
  ending_a_pool.lock();
  const Runtime* runtime = Runtime::bound();
  lost_before_fork = this_thread.pool_lost;
  if (runtime->loses_pool_at_fork() && !runtime->end_pool()) this_thread.pool_lost = true;
}

void in_parent() {
  this_thread.pool_lost = lost_before_fork;
  ending_a_pool.unlock();
}

void in_child() {
  forget_primary_threads();
  ending_a_pool.unlock();
}

struct PoolEnd {
  ~PoolEnd() {
    const std::lock_guard lock(ending_a_pool);
    if (!this_thread.pool_lost) Runtime::bound()->end_pool();
  }
};

}  // namespace

void handle_forks() {
  static const int registered = pthread_atfork(before_fork, in_parent, in_child);
  static_cast<void>(registered);
}

// The main thread's pool ends with the process.
void end_pool_with_this_thread() {
  if (this_thread.pool_end_arranged) return;
  this_thread.pool_end_arranged = true;
  if (!Runtime::bound()->loses_pool_at_fork() || platform::is_main_thread()) return;
  static thread_local PoolEnd at_thread_end;
  static_cast<void>(at_thread_end);
}

}  // namespace ompsafe
