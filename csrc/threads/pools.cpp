#include "threads/pools.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <string_view>

#include "openmp/runtime.h"
#include "system/memory.h"
#include "system/platform.h"

namespace ompsafe::pools {
namespace {

// What GNU's runtime is called, with or without a suffix that a wheel's packager gave it.
constexpr const char* kFileName = "libgomp";

constexpr int kPauseSoft = 1;  // omp_pause_soft: the ICVs stay

struct GnuRuntime {
  const char* path;                // as the dynamic linker knows it
  const char* file;                // as the kernel does
  int (*pause_resource_all)(int);  // nullptr before GCC 9
  GnuRuntime* next;
  bool lost_in_child = false;
  // The main thread's pool here is lost. After a fork the thread that forked is the main thread,
  // and no other one has come over: only the main thread's pools can be lost.
  std::atomic<bool> lost{false};
};

// Grows only: a library that was found here is held, and stays in the process.
std::atomic<GnuRuntime*> first{nullptr};
std::atomic<bool> any_lost{false};

std::atomic<bool> end_pools_at_fork{true};

constinit std::mutex looking;
std::uint64_t code_seen = 0;

// Whether some may have come that could not be looked for, or that there was no memory for; and
// whether that was so at the fork that this process comes from, so that their pools may be lost.
std::atomic<bool> some_unknown{false};
bool unknown_lost = false;

const GnuRuntime* known(std::string_view path) {
  for (const GnuRuntime* runtime = first; runtime != nullptr; runtime = runtime->next) {
    if (runtime->path == path || runtime->file == path) return runtime;
  }
  return nullptr;
}

// False where there is no memory for it.
bool know(const char* file) {
  if (known(file) != nullptr) return true;
  void* library = platform::loaded_library(file);
  // Some distributions install LLVM's runtime under GNU's name.
  if (library == nullptr || Runtime::is_llvms(library)) return true;
  const char* path = platform::library_of(platform::symbol_in(library, "omp_get_max_threads"));
  if (path == nullptr || known(path) != nullptr) return true;
  auto own_file = array_of<char>(std::strlen(file) + 1);
  auto runtime = one<GnuRuntime>();
  if (own_file == nullptr || runtime == nullptr) return false;
  runtime->path = path;
  runtime->file = std::strcpy(own_file.release(), file);
  runtime->pause_resource_all =
      reinterpret_cast<int (*)(int)>(platform::symbol_in(library, "omp_pause_resource_all"));
  runtime->next = first;
  runtime->lost = unknown_lost;
  first = runtime.release();
  return true;
}

// False where that could not be done.
bool know_all() {
  bool all = true;
  const auto know_one = [](const char* file, void* all) {
    if (!know(file)) *static_cast<bool*>(all) = false;
  };
  const std::uint64_t code = platform::code_mapped();
  if (code_seen != code || code == 0) {
    code_seen = code;
    all = platform::for_each_mapped_file_named(kFileName, know_one, &all) && all;
  }
  // The one that launches run on may have any name.
  const Runtime* bound = Runtime::bound();
  if (bound != nullptr && bound->gnu() && bound->path() != nullptr) all &= know(bound->path());
  return all;
}

bool is_lost_here(const GnuRuntime& runtime) {
  return runtime.lost.load(std::memory_order_relaxed) && platform::is_main_thread();
}

// False, with nothing done, where the runtime does not end it. Not asked where the threads are
// missing: it would wait for them.
bool end_pool(const GnuRuntime& runtime) {
  return !is_lost_here(runtime) && runtime.pause_resource_all != nullptr &&
         runtime.pause_resource_all(kPauseSoft) == 0;
}

}  // namespace

void set_end_at_forks(bool end) { end_pools_at_fork = end; }
bool end_at_forks() { return end_pools_at_fork.load(std::memory_order_relaxed); }

void look_for_runtimes() {
  const std::lock_guard lock(looking);
  some_unknown = !know_all();
  if (some_unknown) code_seen = 0;  // looked for again next time
}

void end_here() {
  for (GnuRuntime* runtime = first; runtime != nullptr; runtime = runtime->next) {
    end_pool(*runtime);
  }
}

// A runtime that has no pool of this thread's left says so at once.
void prepare_fork(bool has_looked) {
  if (!has_looked) {
    const std::unique_lock lock(looking, std::try_to_lock);
    if (!lock || code_seen != platform::code_mapped()) some_unknown = true;
  }
  const bool ended = end_at_forks();
  for (GnuRuntime* runtime = first; runtime != nullptr; runtime = runtime->next) {
    runtime->lost_in_child = !ended || !end_pool(*runtime);
  }
}

bool ended_by_fork(const Runtime& runtime) {
  const GnuRuntime* gnu = runtime.path() == nullptr ? nullptr : known(runtime.path());
  return gnu != nullptr && !gnu->lost_in_child;
}

void after_fork_in_child() {
  new (&looking) std::mutex;
  unknown_lost = some_unknown;
  if (some_unknown) code_seen = 0;  // another thread may have been about to look
  bool lost = unknown_lost;
  for (GnuRuntime* runtime = first; runtime != nullptr; runtime = runtime->next) {
    runtime->lost = runtime->lost_in_child;
    lost |= runtime->lost_in_child;
  }
  any_lost = lost;
}

void count_as_lost(const char* newer_than_fork) {
  for (GnuRuntime* runtime = first; runtime != nullptr; runtime = runtime->next) {
    if (newer_than_fork != nullptr && std::string_view(runtime->path).starts_with(newer_than_fork))
      continue;
    runtime->lost = true;
    any_lost = true;
  }
}

bool lost_here(const Runtime& runtime) {
  if (!any_lost.load(std::memory_order_relaxed) || runtime.path() == nullptr) return false;
  const GnuRuntime* gnu = known(runtime.path());
  if (gnu == nullptr) return unknown_lost && runtime.gnu() && platform::is_main_thread();
  return is_lost_here(*gnu);
}

}  // namespace ompsafe::pools
