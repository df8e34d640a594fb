#include "torch.h"

#include <atomic>
#include <cstring>

#include "platform.h"
#include "runtime.h"

namespace ompsafe::torch {
namespace {

constexpr const char* kLibrary = "libtorch_cpu.so";
constexpr const char* kGetNumThreads = "_ZN2at15get_num_threadsEv";  // at::get_num_threads()

struct Torch {
  const char* path;          // of libtorch_cpu
  int (*get_num_threads)();  // nullptr if this torch does not export it
  bool shares_pool;
};

std::atomic<const Torch*> found{nullptr};
std::atomic<std::int64_t> last_tick{-1};
std::atomic<std::uint64_t> libraries_seen{0};

// torch's regions run on the runtime that the symbol resolves to for libtorch_cpu: the global scope
// first, as the dynamic linker does it, then its own dependencies.
const Runtime* runtime_of(void* library) {
  void* entry = platform::symbol_in(platform::global_scope(), "GOMP_parallel");
  if (entry == nullptr) entry = platform::symbol_in(library, "GOMP_parallel");
  if (entry == nullptr) return nullptr;
  const Runtime* bound = Runtime::bound();
  const platform::Library runtime = platform::library_of(entry);
  if (runtime.handle == nullptr) return nullptr;
  if (bound != nullptr && std::strcmp(bound->path(), runtime.path) == 0) return bound;
  const char* missing = nullptr;
  return Runtime::open(runtime.handle, &missing);
}

void notice(void* library) {
  Torch* torch = new Torch{};
  torch->get_num_threads =
      reinterpret_cast<int (*)()>(platform::symbol_in(library, kGetNumThreads));
  if (torch->get_num_threads != nullptr) {
    torch->path = platform::library_of(reinterpret_cast<void*>(torch->get_num_threads)).path;
  }
  if (const Runtime* runtime = runtime_of(library)) {
    torch->shares_pool = true;
    Runtime::bind(runtime);
  }
  const Torch* none = nullptr;
  if (!found.compare_exchange_strong(none, torch)) delete torch;
}

}  // namespace

std::int64_t look_for_torch() {
  const std::int64_t tick = platform::coarse_clock_ns();
  if (found.load(std::memory_order_relaxed) != nullptr ||
      tick == last_tick.load(std::memory_order_relaxed)) {
    return tick;
  }
  last_tick.store(tick, std::memory_order_relaxed);
  const std::uint64_t loaded = platform::libraries_loaded();
  if (libraries_seen.exchange(loaded, std::memory_order_relaxed) != loaded) {
    if (void* library = platform::loaded_library(kLibrary)) notice(library);
  }
  return tick;
}

bool shares_pool() {
  const Torch* torch = found.load(std::memory_order_acquire);
  return torch != nullptr && torch->shares_pool;
}

bool loaded() { return found.load(std::memory_order_acquire) != nullptr; }

bool has_run_here() {
  const Torch* torch = found.load(std::memory_order_acquire);
  return torch != nullptr && torch->path != nullptr &&
         platform::thread_local_storage_in_use(torch->path);
}

int count_on_new_thread(int otherwise) {
  const Torch* torch = found.load(std::memory_order_acquire);
  if (torch == nullptr || torch->get_num_threads == nullptr) return otherwise;
  struct Question {
    int (*get_num_threads)();
    int answer;
  } question{torch->get_num_threads, otherwise};
  platform::run_on_fresh_thread(
      [](void* data) {
        Question* asked = static_cast<Question*>(data);
        asked->answer = asked->get_num_threads();
      },
      &question);
  return question.answer;
}

}  // namespace ompsafe::torch
