#include "module/fork.h"

#include <pthread.h>

#include <atomic>

#include "openmp/runtime.h"
#include "openmp/torch.h"
#include "system/no_fork.h"
#include "system/platform.h"
#include "system/thread_state.h"
#include "team/at_work.h"
#include "team/board.h"
#include "team/crew.h"
#include "threads/cores.h"
#include "threads/pool_count.h"
#include "threads/pools.h"
#include "threads/thread_supply.h"

namespace ompsafe {
namespace {

std::atomic<bool> handled{false};

void prepare() {
  pools::prepare_fork(/*has_looked=*/forking::begun());
  const Runtime* runtime = Runtime::bound();
  if (runtime != nullptr && pools::ended_by_fork(*runtime)) pool_count::set_here(0);
}

// Of the locks, other threads may have some, or wait for them, and are not here: they are made
// anew.
void in_child() {
  pools::after_fork_in_child();
  torch::after_fork_in_child();
  thread_supply::after_fork_in_child();
  cores::after_fork_in_child();
  Board::forget_others();
  crew::forget();
  at_work::forget();
  pool_count::forget();
  forking::forget();
  this_thread.met = nullptr;
  // A fork inside of a slot: nobody else takes part any more.
  this_thread.launch = nullptr;
}

}  // namespace

void handle_forks(bool end_pools, bool may_have_lost, const char* newer_than_fork) {
  const NoForkMeanwhile no_fork;
  if (handled.exchange(true)) return;
  pools::set_end_at_forks(end_pools);
  if (may_have_lost && platform::process_was_forked()) {
    pools::look_for_runtimes();
    pools::count_as_lost(newer_than_fork);
  }
  pthread_atfork(prepare, nullptr, in_child);
}

// The pools end before the lock is taken alone: ending them waits for their threads, which may want
// to share it.
void before_fork() {
  if (!forking::begun()) {
    const NoForkMeanwhile no_fork;
    pools::look_for_runtimes();
    if (pools::end_at_forks()) pools::end_here();
  }
  forking::begin();
}

void after_fork_in_parent() { forking::end(); }

}  // namespace ompsafe
