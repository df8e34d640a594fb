#include "threads/cores.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <utility>

#include "system/thread_state.h"

namespace ompsafe::cores {
namespace {

using platform::Cores;

constinit std::mutex looking;  // guards what is not atomic

std::atomic<const Runtime*> places_of{nullptr};
Runtime::Places places;
bool places_count = true;  // until somebody confines the crew to less
Cores of_main_thread{};
Cores of_last_looker{};  // none that was confined with the main thread, and has not looked since
Cores known{};

std::atomic<int> number{0};
// Changes with them; 0 if nobody has looked.
std::atomic<unsigned> version{0};
std::atomic<bool> confined{false};

Cores both(Cores a, const Cores& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] |= b[i];
  return a;
}

// From what has been seen.
void settle() {
  const bool bound = places_count && of_main_thread == places.first;
  const Cores cores = both(bound ? places.all : of_main_thread, of_last_looker);
  confined = both(places.all, cores) != cores;
  if (known == cores && version != 0) return;
  known = cores;
  int all = 0;
  for (const auto word : cores) all += std::popcount(word);
  number = all;
  version += version + 1 == 0 ? 2 : 1;
}

// Whether that is new.
bool see_main_thread(const Cores& mask) {
  if (mask == of_main_thread) return false;
  of_main_thread = mask;
  of_last_looker = {};
  return true;
}

// False where there was nothing to do.
bool follow(Used& used, const Cores& main) {
  const Cores own = platform::cores_of_this_thread();
  const std::lock_guard lock(looking);
  const bool narrowed = used.version != 0 && own != used.cores;  // by somebody else
  if (narrowed) {
    used.cores = own;
    of_last_looker = {};
    places_count = places_count && main != places.first;
  }
  if (see_main_thread(main) || narrowed || unknown()) settle();
  if (used.version == version) return false;
  used.version = version;
  platform::use_cores(known);
  used.cores = platform::cores_of_this_thread();
  return true;
}

std::uint64_t hash(const Cores& cores) {
  std::uint64_t value = 1;
  for (const auto word : cores) value = (value ^ word) * 0x9E3779B97F4A7C15 + 1;
  return value;
}

// LLVM's runtime binds the main thread when it is asked, and may wait for locks of its own.
void see_places(const Runtime& runtime) {
  const Runtime::Places found = runtime.places();
  const std::lock_guard lock(looking);
  places = found;
  places_of = &runtime;
  settle();
}

}  // namespace

bool look(const Runtime& runtime) {
  if (places_of != &runtime) see_places(runtime);
  const bool is_main = platform::is_main_thread();
  const Cores own = platform::cores_of_this_thread();
  const Cores main = is_main ? own : platform::cores_of_main_thread();
  {
    const std::lock_guard lock(looking);
    bool news = see_main_thread(main) || unknown();
    if (!is_main && own != of_last_looker) {
      of_last_looker = own;
      news = true;
    }
    if (news) settle();
  }
  const std::uint64_t before = std::exchange(this_thread.cores, hash(own));
  return before != 0 && before != this_thread.cores;
}

bool unknown() { return version.load(std::memory_order_relaxed) == 0; }

int count() { return std::max(1, number.load(std::memory_order_relaxed)); }

bool leave_places() { return confined.load(std::memory_order_relaxed); }

Cores now() {
  const std::lock_guard lock(looking);
  return known;
}

// Until the main thread's mask stays as it was: the process may be confined just now.
void use(Used& used) {
  Cores main = platform::cores_of_main_thread();
  while (follow(used, main)) {
    const Cores before = std::exchange(main, platform::cores_of_main_thread());
    if (main == before) return;
  }
}

void after_fork_in_child() {
  new (&looking) std::mutex;  // another thread may have been writing
  places_of = nullptr;
  of_last_looker = {};
  version = 0;
}

}  // namespace ompsafe::cores
