#include "fork.h"

#include <pthread.h>

#include <atomic>
#include <new>
#include <shared_mutex>

#include "at_work.h"
#include "board.h"
#include "crew.h"
#include "platform.h"
#include "pool_count.h"
#include "pools.h"
#include "runtime.h"
#include "thread_state.h"
#include "thread_supply.h"
#include "torch.h"

namespace ompsafe {
namespace {

// Held shared by who must not be forked meanwhile, and exclusively by who forks. glibc's lets new
// ones share it while somebody waits to have it alone, which NoForkMeanwhile's users rely on. Never
// destroyed: a thread may fork while the process ends.
alignas(std::shared_mutex) char forking_storage[sizeof(std::shared_mutex)];
std::shared_mutex* const forking = new (forking_storage) std::shared_mutex;

std::atomic<bool> handled{false};
std::atomic<bool> end_pools_at_fork{true};

void prepare() {
  pools::prepare_fork(forks_end_pools());
  const Runtime* runtime = Runtime::bound();
  if (forks_end_pools() && runtime != nullptr && runtime->gnu()) pool_count::set_here(0);
}

// Of the locks, other threads may have some, or wait for them, and are not here: they are made
// anew.
void in_child() {
  pools::after_fork_in_child();
  torch::after_fork_in_child();
  thread_supply::after_fork_in_child();
  Board::forget_others();
  crew::forget();
  at_work::forget();
  pool_count::forget();
  new (forking_storage) std::shared_mutex;
  this_thread.forks_begun = 0;
  // A fork inside of a slot: nobody else takes part any more.
  this_thread.launch = nullptr;
}

struct PoolEnd {
  ~PoolEnd() { end_pool_of_this_thread(); }
};

}  // namespace

// The thread that forks has it alone already; what it may still call does not fork.
NoForkMeanwhile::NoForkMeanwhile() : shares_(this_thread.forks_begun == 0) {
  if (shares_) forking->lock_shared();
}
NoForkMeanwhile::~NoForkMeanwhile() {
  if (shares_) forking->unlock_shared();
}

void handle_forks(bool end_pools, bool may_have_lost, const char* newer_than_fork) {
  const NoForkMeanwhile no_fork;
  if (handled.exchange(true)) return;
  end_pools_at_fork = end_pools;
  if (may_have_lost && platform::process_was_forked()) {
    pools::look_for_runtimes();
    pools::count_as_lost(newer_than_fork);
  }
  pthread_atfork(prepare, nullptr, in_child);
}

// The pools end before the lock is taken alone: ending them waits for their threads, which may want
// to share it.
void before_fork() {
  if (this_thread.forks_begun == 0) {
    {
      const NoForkMeanwhile no_fork;
      pools::look_for_runtimes();
      if (forks_end_pools()) pools::end_here();
    }
    forking->lock();
  }
  ++this_thread.forks_begun;
}

void after_fork_in_parent() {
  if (this_thread.forks_begun != 0 && --this_thread.forks_begun == 0) forking->unlock();
}

bool forks_end_pools() { return end_pools_at_fork.load(std::memory_order_relaxed); }

void end_pool_of_this_thread() {
  const NoForkMeanwhile no_fork;
  pools::look_for_runtimes();
  pools::end_here();
  pool_count::set_here(0);
}

// The main thread's pool ends with the process.
void end_pool_with_this_thread() {
  if (this_thread.pool_end_arranged) return;
  this_thread.pool_end_arranged = true;
  if (platform::is_main_thread()) return;
  static thread_local PoolEnd at_thread_end;
  static_cast<void>(at_thread_end);
}

}  // namespace ompsafe
