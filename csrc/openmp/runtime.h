// The OpenMP runtime that the layer runs on, as a table of its public functions. The extension
// links to none: a table is filled from a library that the process has already (see
// numba_ompsafe/_layer/runtime.py for which), so that Numba runs in the pool that is there.
#pragma once

#include <atomic>

#include "system/memory.h"
#include "system/platform.h"

namespace ompsafe {

class Runtime {
 public:
  // The runtime whose entry point `library` sees, its own or a dependency's: a handle of the
  // dynamic linker, as `library` is. nullptr if there is none.
  static void* seen_by(void* library);

  // Fills a table from `library`, all of whose functions come from there. nullptr if one is
  // missing, and *missing names it, or if there is no memory for it: nullptr. A table lives as long
  // as the process, as the library does.
  static const Runtime* open(void* library, const char** missing);

  // Whether `library` is LLVM's runtime or Intel's, whatever it is called.
  static bool is_llvms(void* library);

  // The runtime that launches run on; nullptr before the layer is loaded. It changes at most once
  // more, when a torch is loaded that brought its own (see torch.h): read it once per launch.
  static const Runtime* bound() { return bound_.load(std::memory_order_acquire); }
  static void bind(const Runtime* runtime) { bound_.store(runtime, std::memory_order_release); }

  // GOMP_parallel of libgomp's ABI, which LLVM's and Intel's runtimes export too: a parallel region
  // in which each thread of a team of `team_size` calls body(argument) once.
  void parallel(void (*body)(void*), void* argument, unsigned team_size) const {
    gomp_parallel_(body, argument, team_size, 0);
  }

  // Ends the region that the calling thread is the caller of, once all others have come to its end:
  // what parallel() does in the end.
  void (*parallel_end)();

  // OpenMP's routines of the same name, with omp_ before it.
  int (*get_thread_num)();
  int (*get_num_threads)();
  int (*get_max_threads)();
  void (*set_num_threads)(int);
  int (*get_thread_limit)();
  int (*get_dynamic)();
  void (*set_dynamic)(int);
  int (*get_level)();
  int (*get_active_level)();
  void (*get_schedule)(int* kind, int* chunk_size);

  // Whether a region inside one of `active_level` active regions can be active itself.
  bool allows_deeper(int active_level) const;

  // Whether run-sched-var asks for a static schedule, and a user said so: some runtimes (LLVM's)
  // start with static, which then is nobody's wish.
  bool static_schedule_wanted() const;

  // GNU's. LLVM's and Intel's see to a fork themselves.
  bool gnu() const { return gnu_; }
  const void* library() const { return library_; }
  const char* path() const { return path_; }

  // The cores of the places that the runtime binds threads to, and of the first of them, where the
  // main thread is; GNU's may have none. LLVM's and Intel's have one of all cores where they do not
  // bind, and their threads run on all of these, whatever the process has been confined to since.
  struct Places {
    platform::Cores all{}, first{};
  };
  Places places() const;

  // To be called first on every thread. LLVM's and Intel's give a thread that they do not know all
  // cores, also one that was confined: it gets its own back.
  void meet_this_thread() const;

  // nthreads-var as a new thread has it, before anybody has set anything there; 0 where that is not
  // known.
  int initial_nthreads_var() const { return initial_nthreads_var_.load(std::memory_order_acquire); }

  // Has a new thread say so, as is done when the table is filled; it is not known where no thread
  // could be had for it. To be called with no fork meanwhile, and without the GIL.
  void read_initial_icvs() const;

 private:
  friend Owned<Runtime> one<Runtime>();
  Runtime() = default;

  static std::atomic<const Runtime*> bound_;

  void (*gomp_parallel_)(void (*)(void*), void*, unsigned, unsigned);
  int (*get_max_active_levels_)();
  int (*get_nested_)();
  // nullptr before OpenMP 4.5.
  int (*get_num_places_)() = nullptr;
  int (*get_place_num_procs_)(int place) = nullptr;
  void (*get_place_proc_ids_)(int place, int* ids) = nullptr;
  const void* library_ = nullptr;
  const char* path_ = nullptr;
  bool gnu_ = false;
  mutable std::atomic<int> initial_nthreads_var_{0};
  mutable std::atomic<bool> static_is_initial_{false};
};

// dyn-var off for the life of the object: with it on, a runtime gives a team fewer threads as it
// sees fit. Costs a read where it is off already.
class DynamicOff {
 public:
  explicit DynamicOff(const Runtime& runtime) : runtime_(runtime), was_on_(runtime.get_dynamic()) {
    if (was_on_) runtime_.set_dynamic(0);
  }
  ~DynamicOff() {
    if (was_on_) runtime_.set_dynamic(was_on_);
  }
  DynamicOff(const DynamicOff&) = delete;
  DynamicOff& operator=(const DynamicOff&) = delete;

 private:
  const Runtime& runtime_;
  const int was_on_;
};

}  // namespace ompsafe
