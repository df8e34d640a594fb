#include "threads/thread_supply.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>

#include "openmp/runtime.h"
#include "system/platform.h"

namespace ompsafe {
namespace {

constexpr unsigned kSpare = 2;

// How long a shortage is remembered: 2^27 ns, an eighth of a second. A trial takes about as long as
// the start of its threads.
constexpr int kPeriodBits = 27;

// Threads that were told to end give their places back within a moment: libgomp's, whenever a pool
// becomes smaller.
constexpr std::int64_t kUntilEnded = 1'000'000;  // ns

constexpr std::size_t kLlvmsStack = std::size_t{4} << 20;

constinit std::mutex starting;
std::atomic<std::int64_t> short_period{-1};
std::atomic<unsigned> found_when_short{0};
std::atomic<std::uint64_t> shortage{0};
std::atomic<bool (*)()> callback{nullptr};

std::int64_t this_period() { return platform::coarse_clock_ns() >> kPeriodBits; }

// A size as OMP_STACKSIZE has it, "4M"; 0 where it is not understood.
std::size_t size_of(const char* text, std::size_t unit) {
  char* end = nullptr;
  const std::size_t number = std::strtoull(text, &end, 10);
  if (end == text) return 0;
  while (*end == ' ') ++end;
  switch (*end) {
    case '\0':
      return number * unit;
    case 'b':
    case 'B':
      return number;
    case 'k':
    case 'K':
      return number << 10;
    case 'm':
    case 'M':
      return number << 20;
    case 'g':
    case 'G':
      return number << 30;
    default:
      return 0;
  }
}

}  // namespace

NewThreads::NewThreads(const Runtime& runtime, unsigned wanted) {
  if (thread_supply::expected(wanted) == 0) return;
  no_fork_.emplace();
  alone_ = std::unique_lock(starting);
  const unsigned expected = thread_supply::expected(wanted);  // after who was before us
  if (expected == 0) return;
  const std::size_t stack = thread_supply::stack_size(runtime);
  const unsigned tried = expected + kSpare;
  unsigned found = platform::threads_to_be_had(tried, stack);
  if (found < tried) {
    platform::sleep_ns(kUntilEnded);
    found = platform::threads_to_be_had(tried, stack);
  }
  had_ = found > kSpare ? found - kSpare : 0;
  if (had_ != expected) thread_supply::fell_short(had_);
}

void NewThreads::started() {
  if (alone_.owns_lock()) alone_.unlock();
  no_fork_.reset();
}

namespace thread_supply {

std::size_t stack_size(const Runtime& runtime) {
  struct Variable {
    const char* name;
    std::size_t unit;  // of a number without one
  };
  constexpr Variable kGnus[] = {{"OMP_STACKSIZE", 1024}, {"GOMP_STACKSIZE", 1024}};
  constexpr Variable kLlvms[] = {
      {"KMP_STACKSIZE", 1}, {"GOMP_STACKSIZE", 1024}, {"OMP_STACKSIZE", 1024}};
  const auto first_set = [](const auto& variables, std::size_t otherwise) {
    for (const Variable& variable : variables) {
      const char* text = std::getenv(variable.name);
      const std::size_t size = text == nullptr ? 0 : size_of(text, variable.unit);
      if (size != 0) return size;
    }
    return otherwise;
  };
  return runtime.gnu() ? first_set(kGnus, 0) : first_set(kLlvms, kLlvmsStack);
}

std::unique_lock<std::mutex> try_alone() { return std::unique_lock(starting, std::try_to_lock); }

void fell_short(unsigned found) {
  found_when_short.store(found, std::memory_order_relaxed);
  short_period.store(this_period(), std::memory_order_relaxed);
}

unsigned expected(unsigned wanted) {
  const std::int64_t period = short_period.load(std::memory_order_relaxed);
  if (period == -1 || period != this_period()) return wanted;
  return std::min(wanted, found_when_short.load(std::memory_order_relaxed));
}

void had_all(unsigned asked) {
  const unsigned asked_in_vain = last_shortage().asked;
  if (asked_in_vain != 0 && asked >= asked_in_vain) shortage.store(0, std::memory_order_relaxed);
}

void had_fewer(unsigned asked, unsigned had) {
  shortage.store(std::uint64_t{asked} << 32 | had, std::memory_order_relaxed);
  bool (*const call)() = callback.exchange(nullptr);
  if (call != nullptr && !call()) callback.store(call);
}

void on_shortage(bool (*call)()) { callback.store(call); }

Shortage last_shortage() {
  const std::uint64_t both = shortage.load(std::memory_order_relaxed);
  return {static_cast<unsigned>(both >> 32), static_cast<unsigned>(both)};
}

void after_fork_in_child() { new (&starting) std::mutex; }

}  // namespace thread_supply
}  // namespace ompsafe
