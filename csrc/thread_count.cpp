#include "thread_count.h"

#include <algorithm>
#include <atomic>

#include "runtime.h"
#include "thread_state.h"
#include "torch.h"

namespace ompsafe {
namespace {

std::atomic<int> thread_limit{1};
std::atomic<int> environment_count{0};
std::atomic<int> process_default_count{0};

// Grows whenever a thread finds its own nthreads-var changed: a torch.set_num_threads there is the
// wish for threads that torch has not run on, so what these were told is asked again.
std::atomic<std::uint32_t> epoch{0};

// Rule 4 where nthreads-var still has its initial value. Either nobody has set it on this thread,
// and torch will at its first parallel operation, or torch has, to that value.
//
// A thread that has run none of torch's code is surely of the first kind, and so is one that torch
// once answered another count for: had torch set it since, nthreads-var would show it. A thread
// that has run some is taken to be of the second kind; where that is wrong (it ran serial
// operations only), the count is right again from torch's first parallel operation there on.
int count_where_untouched(ThreadState::Followed& followed) {
  const int nthreads_var = followed.nthreads_var;
  if (!torch::loaded()) return nthreads_var;
  const bool torch_differed = followed.answer != 0 && followed.answer != nthreads_var;
  if (!torch_differed && torch::has_run_here()) {
    followed.settled = true;
    return nthreads_var;
  }
  return torch::count_on_new_thread(nthreads_var);
}

// Rule 4.
int followed_count(ThreadState::Followed& followed) {
  const std::int64_t tick = torch::look_for_torch();
  const Runtime* runtime = Runtime::bound();
  if (followed.runtime != runtime) {
    followed = {};
    followed.runtime = runtime;
    followed.nthreads_var = runtime->initial_nthreads_var();
  }

  const int nthreads_var = runtime->get_max_threads();
  if (nthreads_var != followed.nthreads_var) {
    followed.nthreads_var = nthreads_var;
    followed.settled = true;
    epoch.fetch_add(1, std::memory_order_relaxed);
  }
  if (followed.settled) return nthreads_var;

  const std::uint32_t now = epoch.load(std::memory_order_relaxed);
  if (followed.tick != tick || followed.epoch != now) {
    followed.answer = count_where_untouched(followed);
    followed.tick = tick;
    followed.epoch = now;
  }
  return followed.answer;
}

}  // namespace

void set_thread_limit(int n) { thread_limit.store(n, std::memory_order_relaxed); }
void set_environment_count(int n) { environment_count.store(n, std::memory_order_relaxed); }
void set_process_default(int n) { process_default_count.store(n, std::memory_order_relaxed); }
int process_default() { return process_default_count.load(std::memory_order_relaxed); }
void clear_mask() { this_thread.mask = 0; }

std::intptr_t ompsafe_get_num_threads() {
  ThreadState& thread = this_thread;
  int n = thread.mask;
  if (n == 0) n = process_default();
  if (n == 0) n = environment_count.load(std::memory_order_relaxed);
  if (n == 0) n = followed_count(thread.followed);
  return std::min(n, thread_limit.load(std::memory_order_relaxed));
}

void ompsafe_set_num_threads(int n) {
  if (n >= 1) this_thread.mask = n;
}

std::intptr_t ompsafe_get_thread_id() { return this_thread.slot; }

}  // namespace ompsafe
