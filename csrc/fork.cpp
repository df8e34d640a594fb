#include "fork.h"

#include <pthread.h>

#include "primary_thread.h"
#include "runtime.h"
#include "thread_state.h"

namespace ompsafe {
namespace {

// A child that lost its pool stays without one. In the parent nothing is lost.
thread_local bool lost_before_fork = false;

void before_fork() {
  const Runtime* runtime = Runtime::bound();
  lost_before_fork = this_thread.pool_lost;
  if (runtime->loses_pool_at_fork() && !runtime->end_pool()) this_thread.pool_lost = true;
}

void in_parent() { this_thread.pool_lost = lost_before_fork; }

void in_child() { forget_primary_threads(); }

}  // namespace

void handle_forks() {
  static const int registered = pthread_atfork(before_fork, in_parent, in_child);
  static_cast<void>(registered);
}

}  // namespace ompsafe
