#include "openmp/torch.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <optional>

#include "openmp/runtime.h"
#include "system/gil.h"
#include "system/no_fork.h"
#include "system/platform.h"

namespace ompsafe::torch {
namespace {

constexpr const char* kLibrary = "libtorch_cpu.so";
constexpr const char* kGetNumThreads = "_ZN2at15get_num_threadsEv";  // at::get_num_threads()
constexpr const char* kSetMklCount = "MKL_Set_Num_Threads_Local";

// How often to look for it: every 2^22 ns, four milliseconds. Importing torch takes far longer.
constexpr int kPeriodBits = 22;

struct Torch {
  void* library = nullptr;              // libtorch_cpu
  int (*get_num_threads)() = nullptr;   // nullptr if this torch does not export it
  int (*set_mkl_count)(int) = nullptr;  // nullptr if this torch was built without MKL
  bool shares_pool = false;
};

std::atomic<const Torch*> found{nullptr};
std::atomic<int> first_count{0};
std::atomic<std::int64_t> last_period{-1};

constinit std::mutex looking;
constinit std::mutex asking;
std::atomic<std::uint64_t> code_seen{0};

// torch's regions run on the runtime that the symbol resolves to for libtorch_cpu: the global scope
// first, as the dynamic linker does it, then its own dependencies. *found is nullptr where launches
// cannot run on that. False where there is no memory to tell.
bool find_runtime_of(void* library, const Runtime** found) {
  void* runtime = Runtime::seen_by(platform::global_scope());
  if (runtime == nullptr) runtime = Runtime::seen_by(library);
  const Runtime* bound = Runtime::bound();
  const char* missing = nullptr;
  if (runtime == nullptr) {
    *found = nullptr;
  } else {
    *found = runtime == bound->library() ? bound : Runtime::open(runtime, &missing);
  }
  return runtime == nullptr || *found != nullptr || missing != nullptr;
}

// The count that MKL has for the calling thread alone, 0 for none. torch.set_num_threads sets it,
// and torch's default does not.
int mkl_count_here(const Torch& torch) {
  if (torch.set_mkl_count == nullptr) return 0;
  const int count = torch.set_mkl_count(0);  // which answers with the former one
  torch.set_mkl_count(count);
  return count;
}

// What torch makes of a thread where it has run nothing yet, and whether a torch.set_num_threads
// says so; else it is torch's default. Without MKL, torch's default is what the runtime has.
struct Plan {
  int count;
  bool was_told;
};

// To be called with no fork meanwhile: torch may hold a lock of its own while it answers, which a
// child could never take. And one at a time: the first question in a forked child has torch make a
// pool anew, which it does without a lock. Nothing where no thread can be had to ask on.
std::optional<Plan> plan_for_new_thread(const Torch& torch, int initial) {
  if (torch.get_num_threads == nullptr) return Plan{initial, false};
  const std::lock_guard lock(asking);
  struct Question {
    const Torch& torch;
    Plan plan;
    int mkl_count;
  } question{torch, {initial, false}, 0};
  const bool asked = platform::run_on_fresh_thread(
      [](void* data) {
        Question* asked = static_cast<Question*>(data);
        asked->plan.count = asked->torch.get_num_threads();
        asked->mkl_count = mkl_count_here(asked->torch);
      },
      &question);
  if (!asked) return std::nullopt;
  Plan plan = question.plan;
  plan.was_told = torch.set_mkl_count != nullptr ? question.mkl_count != 0 : plan.count != initial;
  int none = 0;
  first_count.compare_exchange_strong(none, plan.count);
  return plan;
}

// To be called with no fork meanwhile. False, and nothing is noticed, where there is no memory for
// it.
bool notice(void* library) {
  const Runtime* runtime = nullptr;
  if (!find_runtime_of(library, &runtime)) return false;
  auto torch = one<Torch>();
  if (torch == nullptr) return false;
  torch->library = library;
  torch->get_num_threads =
      reinterpret_cast<int (*)()>(platform::symbol_in(library, kGetNumThreads));
  torch->set_mkl_count = reinterpret_cast<int (*)(int)>(platform::symbol_in(library, kSetMklCount));
  if (runtime != nullptr) {
    torch->shares_pool = true;
    Runtime::bind(runtime);
  }
  plan_for_new_thread(*torch, Runtime::bound()->initial_nthreads_var());
  found.store(torch.release(), std::memory_order_release);
  return true;
}

bool may_be_mapped() {
  bool is_mapped = false;
  const auto note = [](const char*, void* mapped) { *static_cast<bool*>(mapped) = true; };
  return !platform::for_each_mapped_file_named(kLibrary, note, &is_mapped) || is_mapped;
}

}  // namespace

void look_for_torch() {
  if (loaded()) return;
  const std::int64_t period = platform::coarse_clock_ns() >> kPeriodBits;
  if (last_period.load(std::memory_order_relaxed) == period) return;
  last_period.store(period, std::memory_order_relaxed);
  const std::uint64_t code = platform::code_mapped();
  if (code_seen.exchange(code) == code && code != 0) return;
  if (code != 0 && !may_be_mapped()) return;
  const WithoutGil without_gil;
  const NoForkMeanwhile no_fork;
  const std::lock_guard lock(looking);
  if (loaded()) return;
  void* library = platform::loaded_library(kLibrary);
  // Else it is being loaded, or could not be looked for: again next time.
  if (library == nullptr || !notice(library)) code_seen = 0;
}

bool loaded() { return found.load(std::memory_order_acquire) != nullptr; }

bool shares_pool() {
  const Torch* torch = found.load(std::memory_order_acquire);
  return torch != nullptr && torch->shares_pool;
}

bool has_run_here() {
  return platform::thread_local_storage_in_use(found.load(std::memory_order_acquire)->library);
}

int count_on_new_thread(int initial) {
  const WithoutGil without_gil;
  const NoForkMeanwhile no_fork;
  const auto plan = plan_for_new_thread(*found.load(std::memory_order_acquire), initial);
  return plan ? plan->count : 0;
}

int count_when_noticed() { return first_count.load(std::memory_order_relaxed); }

bool was_told_here(const Runtime& runtime) {
  const Torch& torch = *found.load(std::memory_order_acquire);
  if (torch.set_mkl_count != nullptr) return mkl_count_here(torch) != 0;
  return runtime.get_max_threads() != runtime.initial_nthreads_var();
}

bool settle_here(const Runtime& runtime) {
  const Torch& torch = *found.load(std::memory_order_acquire);
  if (torch.get_num_threads == nullptr) return true;
  const int initial = runtime.initial_nthreads_var();
  const int count = runtime.get_max_threads();
  const WithoutGil without_gil;
  const NoForkMeanwhile no_fork;
  const int mkl_count = mkl_count_here(torch);
  const bool told_here = was_told_here(runtime);
  int expected = count;
  if (!told_here) {
    const std::optional<Plan> plan = plan_for_new_thread(torch, initial);
    if (!plan) return false;
    if (plan->count != count && (plan->was_told || count != initial)) return false;
    expected = plan->count;
  }
  int answer;
  {
    const std::lock_guard lock(asking);
    answer = torch.get_num_threads();
  }
  // torch was told something else on another thread: before, or just now.
  const bool overwritten = answer != count && answer != expected;
  if (overwritten) runtime.set_num_threads(count);
  if (torch.set_mkl_count != nullptr && (overwritten || told_here)) torch.set_mkl_count(mkl_count);
  return true;
}

void after_fork_in_child() {
  new (&looking) std::mutex;
  new (&asking) std::mutex;
  // Another thread may have been about to look.
  code_seen = 0;
  last_period = -1;
}

}  // namespace ompsafe::torch
