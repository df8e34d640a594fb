#include "work/history.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "system/platform.h"
#include "system/thread_state.h"

namespace ompsafe::history {
namespace {

// A table without locks or chains: where two kernels meet, it holds the last one.
constexpr std::size_t kEntries = 512;
std::atomic<std::uint64_t> entries[kEntries];

// An entry: the kernel's address, 43 bits of it without the last four (code is aligned), the
// magnitude of the size (7 bits), the times for which it counts as one that waits (4), whether it
// computes, whether it nests, and the time (8).
constexpr std::uint64_t kTime = 0xFF;
constexpr std::uint64_t kNests = 1 << 8;
constexpr std::uint64_t kIsComputing = 1 << 9;
constexpr std::uint64_t kHeldOnce = 1 << 10;
constexpr std::uint64_t kHeld = 15 * kHeldOnce;
constexpr std::uint64_t kNotKey = kTime | kNests | kIsComputing | kHeld;

std::uint64_t key_of(const void* kernel, std::size_t elements) {
  const std::uint64_t magnitude = std::bit_width(elements);
  return reinterpret_cast<std::uintptr_t>(kernel) >> 4 << 21 | magnitude << 14;
}

std::atomic<std::uint64_t>& entry_of(std::uint64_t key) {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  return entries[key * kSpread >> (64 - std::bit_width(kEntries - 1))];
}

// Times as octaves and quarters of them, rounded down.
std::uint64_t packed(std::int64_t ns) {
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 4));
  const std::uint64_t octave = std::bit_width(time) - 1;
  return octave * 4 + (time >> (octave - 2) & 3);
}

std::int64_t unpacked(std::uint64_t time) {
  return static_cast<std::int64_t>((4 + time % 4) << time / 4 >> 2);
}

}  // namespace

Known known(const void* kernel, std::size_t elements) {
  const std::uint64_t key = key_of(kernel, elements);
  const std::uint64_t entry = entry_of(key).load(std::memory_order_relaxed);
  if ((entry & ~kNotKey) != key || (entry & kTime) == 0) return {};
  return {true, (entry & kIsComputing) != 0, (entry & kNests) != 0, unpacked(entry & kTime)};
}

Stopwatch::Stopwatch()
    : waits_begin_(platform::thread_waits() - this_thread.own_waits),
      before_begin_(platform::thread_cpu_ns()),
      begin_(platform::thread_cpu_ns()) {}

void Stopwatch::learn(const void* kernel, std::size_t elements, std::size_t pieces) const {
  const std::int64_t taken = platform::thread_cpu_ns() - begin_ - (begin_ - before_begin_);
  const bool waited = platform::thread_waits() - this_thread.own_waits > waits_begin_;
  const std::uint64_t key = key_of(kernel, elements);
  std::atomic<std::uint64_t>& at = entry_of(key);
  std::uint64_t before = at.load(std::memory_order_relaxed);
  if ((before & ~kNotKey) != key) before = 0;
  std::uint64_t held = before & kHeld;
  if (waited) {
    held = kHeld;
  } else if (held != 0) {
    held -= kHeldOnce;
  }
  std::uint64_t found = key | (before & kNests) | held;
  if (held == 0) found |= kIsComputing;
  found |= packed(taken * static_cast<std::int64_t>(pieces));
  at.store(found, std::memory_order_relaxed);
}

void forget(const void* kernel, std::size_t elements) {
  entry_of(key_of(kernel, elements)).store(0, std::memory_order_relaxed);
}

void learn_longer(const void* kernel, std::size_t elements, std::int64_t ns) {
  const std::uint64_t key = key_of(kernel, elements);
  std::atomic<std::uint64_t>& at = entry_of(key);
  const std::uint64_t entry = at.load(std::memory_order_relaxed);
  if ((entry & ~kNotKey) != key || (entry & kTime) >= packed(ns)) return;
  at.store((entry & ~kTime) | packed(ns), std::memory_order_relaxed);
}

void learn_nests(const void* kernel, std::size_t elements, bool nests) {
  const std::uint64_t key = key_of(kernel, elements);
  std::atomic<std::uint64_t>& at = entry_of(key);
  const std::uint64_t entry = at.load(std::memory_order_relaxed);
  if ((entry & ~kNotKey) != key) return;
  at.store(nests ? entry | kNests : entry & ~kNests, std::memory_order_relaxed);
}

}  // namespace ompsafe::history
