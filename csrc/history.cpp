#include "history.h"

#include <atomic>
#include <bit>

#include "platform.h"

namespace ompsafe::history {
namespace {

// A table without locks or chains: where two kernels meet, it holds the last one.
constexpr std::size_t kEntries = 512;
std::atomic<std::uint64_t> entries[kEntries];

constexpr std::uint64_t kIsBrief = 1;
constexpr std::uint64_t kIsComputing = 2;
constexpr std::uint64_t kFlags = kIsBrief | kIsComputing;

// The kernel's address, of at most 55 bits in user space, and the magnitude of the size; the flags'
// bits are left free.
std::uint64_t key_of(const void* kernel, std::size_t elements) {
  const std::uint64_t magnitude = std::bit_width(elements);
  return reinterpret_cast<std::uintptr_t>(kernel) << 9 | magnitude << 2;
}

std::atomic<std::uint64_t>& entry_of(std::uint64_t key) {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  return entries[key * kSpread >> (64 - std::bit_width(kEntries - 1))];
}

}  // namespace

Known known(const void* kernel, std::size_t elements) {
  const std::uint64_t key = key_of(kernel, elements);
  const std::uint64_t entry = entry_of(key).load(std::memory_order_relaxed);
  if ((entry & ~kFlags) != key) return {};
  return {true, (entry & kIsBrief) != 0, (entry & kIsComputing) != 0};
}

void learn(const void* kernel, std::size_t elements, std::int64_t nanoseconds, bool computing) {
  std::uint64_t entry = key_of(kernel, elements);
  if (nanoseconds <= kBrief) entry |= kIsBrief;
  if (computing) entry |= kIsComputing;
  entry_of(entry & ~kFlags).store(entry, std::memory_order_relaxed);
}

Stopwatch::Stopwatch() : cpu_begin_(platform::thread_cpu_ns()), begin_(platform::clock_ns()) {}

std::int64_t Stopwatch::nanoseconds() const { return platform::clock_ns() - begin_; }

// Three quarters of the time: a core may have been taken away for a moment.
bool Stopwatch::was_computing() const {
  const std::int64_t taken = nanoseconds();
  return 4 * (platform::thread_cpu_ns() - cpu_begin_) >= 3 * taken;
}

}  // namespace ompsafe::history
