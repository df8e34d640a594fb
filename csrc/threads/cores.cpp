#include "threads/cores.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "system/platform.h"

namespace ompsafe::cores {
namespace {

using Word = platform::Cores::value_type;

// No lock: a child could be born with it.
std::atomic<Word> known[std::tuple_size_v<platform::Cores>];
std::atomic<int> number{0};
// Places stay as they are.
std::atomic<const Runtime*> places_known{nullptr};

void add(const platform::Cores& cores) {
  int more = 0;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    if ((cores[i] & ~known[i].load(std::memory_order_relaxed)) == 0) continue;
    more += std::popcount(cores[i] & ~known[i].fetch_or(cores[i]));
  }
  if (more != 0) number.fetch_add(more);
}

}  // namespace

void look(const Runtime& runtime) {
  if (places_known.load(std::memory_order_acquire) != &runtime) {
    add(runtime.cores_of_places());
    places_known.store(&runtime, std::memory_order_release);
  }
  add(platform::cores_of_main_thread());
  if (!platform::is_main_thread()) add(platform::cores_of_this_thread());
}

int count() { return std::max(1, number.load(std::memory_order_relaxed)); }

void use_all() {
  platform::Cores cores;
  for (std::size_t i = 0; i < cores.size(); ++i) cores[i] = known[i].load();
  platform::use_cores(cores);
}

void after_fork_in_child() {
  int all = 0;
  for (const std::atomic<Word>& word : known) all += std::popcount(word.load());
  number = all;
}

}  // namespace ompsafe::cores
