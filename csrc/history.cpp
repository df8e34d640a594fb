#include "history.h"

#include <atomic>
#include <bit>

#include "platform.h"

namespace ompsafe::history {
namespace {

// A table without locks or chains: where two kernels meet, it holds the last one.
constexpr std::size_t kEntries = 512;
std::atomic<std::uint64_t> entries[kEntries];

// An entry: the kernel's address, 50 bits of it without the last four (code is aligned), the
// magnitude of the size, the times for which nothing may be added to what is
// known, and what is known.
constexpr std::uint64_t kIsComputing = 1;
constexpr std::uint64_t kIsBrief = 2;
constexpr std::uint64_t kIsTiny = 4;
constexpr std::uint64_t kHeldOnce = 8;
constexpr std::uint64_t kHeld = 15 * kHeldOnce;
constexpr std::uint64_t kNotKey = kIsComputing | kIsBrief | kIsTiny | kHeld;

std::uint64_t key_of(const void* kernel, std::size_t elements) {
  const std::uint64_t magnitude = std::bit_width(elements);
  return reinterpret_cast<std::uintptr_t>(kernel) >> 4 << 14 | magnitude << 7;
}

std::atomic<std::uint64_t>& entry_of(std::uint64_t key) {
  constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  return entries[key * kSpread >> (64 - std::bit_width(kEntries - 1))];
}

// Takes what was found for known; if it is to be held, then nothing is added to it for a while.
void update(const void* kernel, std::size_t elements, std::uint64_t found, bool hold) {
  const std::uint64_t key = key_of(kernel, elements);
  std::atomic<std::uint64_t>& at = entry_of(key);
  const std::uint64_t entry = at.load(std::memory_order_relaxed);
  std::uint64_t held = (entry & ~kNotKey) == key ? entry & kHeld : 0;
  if (held != 0) {
    held -= kHeldOnce;
    found &= entry;
  }
  at.store(key | (hold ? kHeld : held) | found, std::memory_order_relaxed);
}

}  // namespace

Known known(const void* kernel, std::size_t elements) {
  const std::uint64_t key = key_of(kernel, elements);
  const std::uint64_t entry = entry_of(key).load(std::memory_order_relaxed);
  if ((entry & ~kNotKey) != key) return {};
  return {true, (entry & kIsComputing) != 0, (entry & kIsBrief) != 0, (entry & kIsTiny) != 0};
}

Stopwatch::Stopwatch()
    : waits_begin_(platform::thread_waits()),
      before_begin_(platform::thread_cpu_ns()),
      begin_(platform::thread_cpu_ns()) {}

void Stopwatch::learn(const void* kernel, std::size_t elements, std::size_t pieces) const {
  const std::int64_t taken = platform::thread_cpu_ns() - begin_ - (begin_ - before_begin_);
  const bool computing = platform::thread_waits() == waits_begin_;
  const std::int64_t all = taken * static_cast<std::int64_t>(pieces);
  std::uint64_t found = 0;
  if (computing) found |= kIsComputing;
  if (computing && all <= kBrief) found |= kIsBrief;
  if (computing && all <= kTiny) found |= kIsTiny;
  update(kernel, elements, found, !computing);
}

void forget(const void* kernel, std::size_t elements) {
  entry_of(key_of(kernel, elements)).store(0, std::memory_order_relaxed);
}

void learn_not_tiny(const void* kernel, std::size_t elements) {
  const std::uint64_t key = key_of(kernel, elements);
  std::atomic<std::uint64_t>& at = entry_of(key);
  const std::uint64_t entry = at.load(std::memory_order_relaxed);
  if ((entry & ~kNotKey) == key) at.store(entry & ~kIsTiny, std::memory_order_relaxed);
}

}  // namespace ompsafe::history
