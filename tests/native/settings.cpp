#include "settings.h"

#include <algorithm>

#include "failure.h"
#include "numba/chunks.h"
#include "openmp/runtime.h"
#include "system/platform.h"
#include "threads/thread_count.h"

namespace native {
namespace {

using namespace ompsafe;

constexpr int kMost = 12;
constexpr int kNumbaLimit = 10;

int environment = 0;

// max-active-levels-var: whether regions inside of regions have threads.
void allow_active_levels(int levels) {
  void* const library = const_cast<void*>(Runtime::bound()->library());
  const auto set =
      reinterpret_cast<void (*)(int)>(platform::symbol_in(library, "omp_set_max_active_levels"));
  set(levels);
}

}  // namespace

Settings::Settings()
    : mask_(mask()),
      limit_(limit()),
      nthreads_var_(Runtime::bound()->get_max_threads()),
      dynamic_(Runtime::bound()->get_dynamic()),
      chunksize_(ompsafe_get_parallel_chunksize()) {}

void Settings::change(Random& random) {
  const int n = random.between(1, kMost);
  switch (random.between(1, 7)) {
    case 1:
      ompsafe_set_num_threads(mask_ = n);
      limit_ = 0;
      break;
    case 2:
      set_mask(mask_ = 0);
      break;
    case 3:
      Runtime::bound()->set_num_threads(nthreads_var_ = n);
      break;
    case 4:
      Runtime::bound()->set_dynamic(dynamic_ = n % 2);
      break;
    case 5:
      set_limit(limit_ = n % 5);
      break;
    case 6:
      allow_active_levels(n % 4);
      break;
    default:
      ompsafe_set_parallel_chunksize(chunksize_ = n % 2 == 0 ? 0 : n);
  }
}

int Settings::count() const {
  int n = mask_;
  if (n == 0) n = process_default();
  if (n == 0) n = environment;
  if (n == 0) n = nthreads_var_;
  if (limit_ != 0) n = std::min(n, limit_);
  return std::min(n, kNumbaLimit);
}

void Settings::check() const {
  const Runtime& runtime = *Runtime::bound();
  expect_equal("the count of this thread", ompsafe_current_num_threads(), count());
  expect_equal("the count of its next launch", ompsafe_num_threads_of_launch(), count());
  expect_equal("nthreads-var", runtime.get_max_threads(), nthreads_var_);
  expect_equal("dyn-var", runtime.get_dynamic(), dynamic_);
  expect_equal("the mask", mask(), mask_);
  expect_equal("the limit", limit(), limit_);
  expect_equal("the thread id outside of launches", ompsafe_get_thread_id(), 0);
  expect_equal("the chunk size", static_cast<long>(ompsafe_get_parallel_chunksize()),
               static_cast<long>(chunksize_));
}

void set_for_process(Random& random) {
  set_numba_limit(kNumbaLimit);
  set_process_default(random.once_in(4) ? random.between(1, kMost) : 0);
  environment = random.once_in(4) ? random.between(1, kMost) : 0;
  set_environment_count(environment);
}

}  // namespace native
