#include "slots.h"

#include <alloca.h>

#include <algorithm>

#include "thread_state.h"

namespace ompsafe {
namespace {

// Makes the calling thread act as a slot for the life of the object. What a kernel sets meanwhile
// (a mask, a chunk size) ends with it.
class ActAsSlot {
 public:
  ActAsSlot(ThreadState& thread, std::size_t slot, std::size_t slots)
      : thread_(thread), mask_(thread.mask), slot_(thread.slot), chunksize_(thread.chunksize) {
    thread.mask = static_cast<int>(slots);
    thread.slot = static_cast<int>(slot);
    thread.chunksize = 0;
  }
  ~ActAsSlot() {
    thread_.mask = mask_;
    thread_.slot = slot_;
    thread_.chunksize = chunksize_;
  }
  ActAsSlot(const ActAsSlot&) = delete;
  ActAsSlot& operator=(const ActAsSlot&) = delete;

 private:
  ThreadState& thread_;
  const int mask_;
  const int slot_;
  const std::size_t chunksize_;
};

// Where block `index` of `blocks` begins in `work`: the first work % blocks of them are one longer.
std::size_t block_begin(std::size_t index, std::size_t blocks, std::size_t work) {
  return index * (work / blocks) + std::min(index, work % blocks);
}

}  // namespace

void Launch::run_in_turn() {
  if (chunked_) {
    run(0, 0, work());
  } else {
    run_slots(0, slots_);
  }
}

void Launch::run_as_member(std::size_t member, std::size_t team_size) {
  const std::size_t members = std::min(team_size, slots_);
  if (member >= members) return;
  if (chunked_) {
    run_chunks_as(member);
  } else {
    run_slots(block_begin(member, members, slots_), block_begin(member + 1, members, slots_));
  }
}

void Launch::run_slots(std::size_t begin, std::size_t end) {
  for (std::size_t slot = begin; slot < end; ++slot) {
    const std::size_t first = block_begin(slot, slots_, work());
    run(slot, first, block_begin(slot + 1, slots_, work()) - first);
  }
}

void Launch::run_chunks_as(std::size_t slot) {
  for (;;) {
    const std::size_t chunk = next_chunk_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= work()) return;
    run(slot, chunk, 1);
  }
}

void Launch::run(std::size_t slot, std::size_t begin, std::size_t count) {
  if (count == 0) return;
  auto* dimensions = static_cast<std::size_t*>(alloca(dimension_count_ * sizeof(std::size_t)));
  std::copy_n(dimensions_, dimension_count_, dimensions);
  dimensions[0] = count;
  auto** arguments = static_cast<char**>(alloca(array_count_ * sizeof(char*)));
  for (std::size_t i = 0; i < array_count_; ++i) {
    arguments[i] = arguments_[i] + begin * steps_[i];
  }
  const ActAsSlot as_slot(this_thread, slot, slots_);
  kernel_(arguments, dimensions, steps_, data_);
}

}  // namespace ompsafe
