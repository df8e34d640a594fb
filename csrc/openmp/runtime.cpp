#include "openmp/runtime.h"

#include <algorithm>
#include <cstdlib>

#include "system/gil.h"
#include "system/no_fork.h"
#include "system/platform.h"
#include "system/thread_state.h"

namespace ompsafe {
namespace {

// An entry point of libgomp's documented ABI that LLVM's and Intel's runtimes export too.
constexpr const char* kEntryPoint = "GOMP_parallel";

constexpr int kScheduleStatic = 1;                    // omp_sched_static
constexpr unsigned kScheduleModifiers = 0x80000000u;  // omp_sched_monotonic

template <typename Function>
bool load(Function*& function, void* library, const char* symbol) {
  function = reinterpret_cast<Function*>(platform::symbol_in(library, symbol));
  return function != nullptr;
}

bool is_static(int kind) {
  return (static_cast<unsigned>(kind) & ~kScheduleModifiers) == kScheduleStatic;
}

bool schedule_in_environment() { return std::getenv("OMP_SCHEDULE") != nullptr; }

}  // namespace

std::atomic<const Runtime*> Runtime::bound_{nullptr};

void* Runtime::seen_by(void* library) { return platform::library_with(library, kEntryPoint); }

const Runtime* Runtime::open(void* library, const char** missing) {
  *missing = nullptr;
  auto table = one<Runtime>();
  if (table == nullptr) return nullptr;
  const auto required = [&](auto*& function, const char* symbol) {
    if (load(function, library, symbol)) return true;
    *missing = symbol;
    return false;
  };
  if (!required(table->gomp_parallel_, kEntryPoint) ||
      !required(table->parallel_end, "GOMP_parallel_end") ||
      !required(table->get_thread_num, "omp_get_thread_num") ||
      !required(table->get_num_threads, "omp_get_num_threads") ||
      !required(table->get_max_threads, "omp_get_max_threads") ||
      !required(table->set_num_threads, "omp_set_num_threads") ||
      !required(table->get_thread_limit, "omp_get_thread_limit") ||
      !required(table->get_dynamic, "omp_get_dynamic") ||
      !required(table->set_dynamic, "omp_set_dynamic") ||
      !required(table->get_level, "omp_get_level") ||
      !required(table->get_active_level, "omp_get_active_level") ||
      !required(table->get_max_active_levels_, "omp_get_max_active_levels") ||
      !required(table->get_schedule, "omp_get_schedule") ||
      !required(table->get_nested_, "omp_get_nested")) {
    return nullptr;
  }

  // Before OpenMP 5.0 nest-var alone decides on nesting. From 5.0 on, max-active-levels-var does,
  // omp_get_nested only repeats it, and LLVM's prints a warning of its deprecation when called.
  void* openmp_5 = platform::symbol_in(library, "omp_get_supported_active_levels");
  if (openmp_5 != nullptr) table->get_nested_ = nullptr;

  if (!load(table->get_place_num_procs_, library, "omp_get_place_num_procs") ||
      !load(table->get_place_proc_ids_, library, "omp_get_place_proc_ids") ||
      !load(table->get_num_places_, library, "omp_get_num_places")) {
    table->get_num_places_ = nullptr;
  }

  table->library_ = library;
  table->gnu_ = !is_llvms(library);
  table->path_ = platform::library_of(reinterpret_cast<void*>(table->gomp_parallel_));
  table->read_initial_icvs();
  return table.release();
}

// By the entry point of LLVM's own compiler.
bool Runtime::is_llvms(void* library) {
  return platform::symbol_in(library, "__kmpc_fork_call") != nullptr;
}

Runtime::Places Runtime::places() const {
  Places places;
  const int number = get_num_places_ == nullptr ? 0 : get_num_places_();
  for (int place = 0; place < number; ++place) {
    const int count = get_place_num_procs_(place);
    const Owned<int[]> ids = array_of<int>(count);
    if (ids == nullptr) continue;
    get_place_proc_ids_(place, ids.get());
    for (int i = 0; i < count; ++i) {
      platform::add_core(places.all, ids[i]);
      if (place == 0) platform::add_core(places.first, ids[i]);
    }
  }
  return places;
}

void Runtime::meet_this_thread() const {
  this_thread.met = this;
  if (gnu_) return;
  const WithoutGil without_gil;
  const NoForkMeanwhile no_fork;
  const platform::Cores own = platform::cores_of_this_thread();
  get_max_threads();                   // is when LLVM's does it
  parallel([](void*) {}, nullptr, 1);  // and Intel's
  const bool confined = own != places().all;
  if (confined && platform::cores_of_this_thread() != own) platform::use_cores(own);
}

void Runtime::read_initial_icvs() const {
  const auto read = [](void* table) {
    const Runtime* runtime = *static_cast<const Runtime**>(table);
    int kind = 0, chunk_size = 0;
    runtime->get_schedule(&kind, &chunk_size);
    runtime->static_is_initial_ = is_static(kind) && !schedule_in_environment();
    runtime->initial_nthreads_var_.store(runtime->get_max_threads(), std::memory_order_release);
  };
  const Runtime* self = this;
  platform::run_on_fresh_thread(read, &self);
}

bool Runtime::allows_deeper(int active_level) const {
  if (active_level == 0) return true;
  if (get_nested_ != nullptr && get_nested_() == 0) return false;
  return active_level < get_max_active_levels_();
}

bool Runtime::static_schedule_wanted() const {
  if (static_is_initial_) return false;
  int kind = 0, chunk_size = 0;
  get_schedule(&kind, &chunk_size);
  // Where it is not known with what threads start, only the variable tells a wish.
  return is_static(kind) && (initial_nthreads_var() != 0 || schedule_in_environment());
}

}  // namespace ompsafe
