#include "fork.h"

#include <pthread.h>

#include <mutex>

#include "platform.h"
#include "primary_thread.h"
#include "runtime.h"
#include "thread_state.h"
#include "torch.h"

namespace ompsafe {
namespace {

constinit std::mutex forking;

// Set in a child whose parent may have used the runtime before the layer was there.
constinit bool main_pool_lost = false;

constinit thread_local bool lost_before_fork = false;

void before_fork() {
  forking.lock();
  torch::look_for_torch_at_fork();  // its pool is to be ended, too, and the child will launch there
  lost_before_fork = pool_lost_here();
  // Ending a pool whose threads are missing would wait for them, too.
  if (!lost_before_fork && !Runtime::end_pools()) this_thread.pool_lost = true;
}

void in_parent() {
  this_thread.pool_lost = lost_before_fork;
  forking.unlock();
}

// A pool that was lost stays lost. The thread that forked is the main thread here.
void in_child() {
  this_thread.pool_lost |= lost_before_fork;
  main_pool_lost = false;
  forget_primary_threads();
  forking.unlock();
}

struct PoolEnd {
  ~PoolEnd() {
    const NoForkMeanwhile no_fork;
    if (!pool_lost_here()) Runtime::end_pools();
  }
};

}  // namespace

NoForkMeanwhile::NoForkMeanwhile() { forking.lock(); }
NoForkMeanwhile::~NoForkMeanwhile() { forking.unlock(); }

void handle_forks(bool runtime_was_loaded) {
  static const int registered = pthread_atfork(before_fork, in_parent, in_child);
  static_cast<void>(registered);
  main_pool_lost = runtime_was_loaded && Runtime::bound()->loses_pool_at_fork() &&
                   platform::process_was_forked();
}

bool pool_lost_here() {
  return this_thread.pool_lost || (main_pool_lost && platform::is_main_thread());
}

// The main thread's pool ends with the process.
void end_pool_with_this_thread() {
  if (this_thread.pool_end_arranged) return;
  if (!Runtime::bound()->loses_pool_at_fork()) return;
  this_thread.pool_end_arranged = true;
  if (platform::is_main_thread()) return;
  static thread_local PoolEnd at_thread_end;
  static_cast<void>(at_thread_end);
}

}  // namespace ompsafe
