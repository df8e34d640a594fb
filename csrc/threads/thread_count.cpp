#include "threads/thread_count.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "openmp/runtime.h"
#include "openmp/torch.h"
#include "system/gil.h"
#include "system/no_fork.h"
#include "system/platform.h"
#include "system/thread_state.h"

namespace ompsafe {
namespace {

std::atomic<int> numba_limit{1};
std::atomic<int> environment_count{0};
std::atomic<int> process_default_count{0};

// Grows whenever a thread finds its own nthreads-var changed: a torch.set_num_threads there is the
// wish for threads that torch has not run on, so what these were told is asked again.
std::atomic<std::uint32_t> epoch{0};

// How long an answer of torch's holds if no thread sees a change: 2^27 ns, an eighth of a second.
// Asking costs a thread's start and its end.
constexpr int kPeriodBits = 27;

// Rule 4 where nthreads-var has its initial value. Either torch has not set it on this thread yet,
// and will at its first parallel operation here, or torch has, to that very value.
//
// Where torch.set_num_threads was called here, it is surely the second. Else, where none of torch's
// code has run, it is the first, and so it is where torch once answered another count for this
// thread: had torch set it since, nthreads-var would show it. Where torch's code has run it may be
// either (docs/how-it-works.md tells what follows from a wrong guess):
// - if torch's count was another one than the initial already when torch was noticed, the first: a
//   count is set at the start of a program, before its threads run anything;
// - on the main thread, or where nthreads-var was set and set back, the second.
int count_where_untouched(ThreadState::Followed& followed) {
  const int initial = followed.nthreads_var;
  if (!torch::loaded() || followed.torch_ran_at_initial) return initial;
  if (torch::was_told_here(*followed.runtime)) {
    followed.torch_ran_at_initial = true;
    return initial;
  }

  const std::int64_t period = platform::coarse_clock_ns() >> kPeriodBits;
  const std::uint32_t now = epoch.load(std::memory_order_relaxed);
  if (followed.answer != 0 && followed.period == period && followed.epoch == now) {
    return followed.answer;
  }
  const bool torch_differed = followed.answer != 0 && followed.answer != initial;
  if (!torch_differed && torch::has_run_here()) {
    const bool set_before_it_ran = torch::count_when_noticed() != initial;
    if (!set_before_it_ran || followed.was_set || platform::is_main_thread()) {
      followed.torch_ran_at_initial = true;
      return initial;
    }
  }
  const int answer = torch::count_on_new_thread(initial);
  // No thread could be had to ask on: the next launch asks again.
  if (answer == 0) return followed.answer != 0 ? followed.answer : initial;
  followed.answer = answer;
  followed.period = period;
  followed.epoch = now;
  return followed.answer;
}

int initial_nthreads_var_of(const Runtime& runtime) {
  if (runtime.initial_nthreads_var() == 0) {
    const WithoutGil without_gil;
    const NoForkMeanwhile no_fork;
    runtime.read_initial_icvs();
  }
  return runtime.initial_nthreads_var();
}

// What is known of this thread, on the runtime that launches run on now. An nthreads_var of 0 means
// that it is not known yet what threads start with.
ThreadState::Followed& followed_here() {
  torch::look_for_torch();
  const Runtime* runtime = Runtime::bound();
  if (this_thread.met != runtime) runtime->meet_this_thread();
  ThreadState::Followed& followed = this_thread.followed;
  if (followed.runtime != runtime || followed.nthreads_var == 0) {
    followed = {};
    followed.runtime = runtime;
    followed.nthreads_var = initial_nthreads_var_of(*runtime);
  }
  return followed;
}

// On the main thread, has torch set nthreads-var at the first launch that finds torch loaded. Until
// it has, its count there can be lost to another thread that calls torch.set_num_threads, as
// DataLoader(pin_memory=True) has one do, and means that thread alone. The count of this launch
// does not change by it, nor does what the user has asked for on this thread. On other threads what
// is said later on the main thread is still to hold, so nothing is done there.
void settle_torch() {
  if (this_thread.followed.settled) return;
  ThreadState::Followed& followed = followed_here();
  if (!torch::loaded() || followed.nthreads_var == 0) return;
  if (!platform::is_main_thread() || !torch::shares_pool()) {
    followed.settled = true;
    return;
  }
  if (followed.runtime->get_level() > 0) return;
  const std::int64_t period = platform::coarse_clock_ns() >> kPeriodBits;
  if (followed.settle_period == period && !torch::was_told_here(*followed.runtime)) return;
  followed.settle_period = period;
  if (!torch::settle_here(*followed.runtime)) return;
  followed.settled = true;
  followed.torch_ran_at_initial = true;
}

// Rule 4.
int followed_count() {
  ThreadState::Followed& followed = followed_here();
  const Runtime* runtime = followed.runtime;
  const int nthreads_var = runtime->get_max_threads();
  if (followed.nthreads_var == 0) return nthreads_var;
  const bool is_set = nthreads_var != runtime->initial_nthreads_var();
  if (nthreads_var != followed.nthreads_var) {
    followed.nthreads_var = nthreads_var;
    followed.was_set |= is_set;
    epoch.fetch_add(1, std::memory_order_relaxed);
  }
  const int count = is_set ? nthreads_var : count_where_untouched(followed);
  // A runtime takes OMP_NUM_THREADS beyond what an int holds, and then answers a negative number.
  return count >= 1 ? count : std::numeric_limits<int>::max();
}

int count_without_mask() {
  int n = process_default();
  if (n == 0) n = environment_count.load(std::memory_order_relaxed);
  return n != 0 ? n : followed_count();
}

int capped(int n) {
  const int limit = this_thread.limit;
  if (limit > 0) n = std::min(n, limit);
  return std::min(n, numba_limit.load(std::memory_order_relaxed));
}

}  // namespace

void set_numba_limit(int n) { numba_limit.store(n, std::memory_order_relaxed); }
void set_environment_count(int n) { environment_count.store(n, std::memory_order_relaxed); }
void set_process_default(int n) {
  end_of_preparation();
  process_default_count.store(n, std::memory_order_relaxed);
}
int process_default() { return process_default_count.load(std::memory_order_relaxed); }

int ompsafe_current_num_threads() {
  end_of_preparation();  // one that was given up, say for lack of memory
  const int mask = this_thread.mask;
  return capped(mask != 0 ? mask : count_without_mask());
}

std::intptr_t ompsafe_num_threads_of_launch() {
  ThreadState& thread = this_thread;
  // Asked before, maybe by a program that did not launch then: what this thread sets itself holds
  // at once. Not so what it has in a runtime that launches move to meanwhile.
  if (thread.count_of_launch != 0 &&
      thread.runtime_of_launch->get_max_threads() == thread.nthreads_var_of_launch) {
    return thread.count_of_launch;
  }
  if (const Runtime* runtime = Runtime::bound(); thread.met != runtime) runtime->meet_this_thread();
  settle_torch();
  if (thread.mask != 0) return capped(thread.mask);
  thread.count_of_launch = capped(count_without_mask());
  thread.runtime_of_launch = Runtime::bound();
  thread.nthreads_var_of_launch = thread.runtime_of_launch->get_max_threads();
  return thread.count_of_launch;
}

void end_of_preparation() { this_thread.count_of_launch = 0; }

void ompsafe_set_num_threads(int n) {
  if (n >= 1) {
    set_mask(n);
    set_limit(0);
  }
}

std::intptr_t ompsafe_get_thread_id() { return this_thread.slot; }

void set_mask(int n) {
  end_of_preparation();
  this_thread.mask = n;
}

int mask() { return this_thread.mask; }

void set_limit(int n) {
  end_of_preparation();
  this_thread.limit = n;
}

int limit() { return this_thread.limit; }

bool torch_is_settled() { return this_thread.followed.settled; }

int rule() {
  if (this_thread.mask != 0) return 1;
  if (process_default() != 0) return 2;
  return environment_count.load(std::memory_order_relaxed) != 0 ? 3 : 4;
}

int pool_size_here() { return followed_count(); }

}  // namespace ompsafe
