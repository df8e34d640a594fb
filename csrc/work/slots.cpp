#include "work/slots.h"

#include <alloca.h>

#include <algorithm>
#include <new>
#include <utility>

#include "system/platform.h"
#include "system/thread_state.h"

namespace ompsafe {
namespace {

// Makes the calling thread act as a slot for the life of the object. What a kernel sets meanwhile
// (a mask, a limit, a chunk size) ends with it.
class ActAsSlot {
 public:
  ActAsSlot(ThreadState& thread, std::size_t slot, std::size_t slots)
      : thread_(thread),
        mask_(thread.mask),
        limit_(thread.limit),
        slot_(thread.slot),
        chunksize_(thread.chunksize) {
    thread.mask = static_cast<int>(slots);
    thread.limit = 0;
    thread.slot = static_cast<int>(slot);
    thread.chunksize = 0;
  }
  ~ActAsSlot() {
    thread_.mask = mask_;
    thread_.limit = limit_;
    thread_.slot = slot_;
    thread_.chunksize = chunksize_;
  }
  ActAsSlot(const ActAsSlot&) = delete;
  ActAsSlot& operator=(const ActAsSlot&) = delete;

 private:
  ThreadState& thread_;
  const int mask_;
  const int limit_;
  const int slot_;
  const std::size_t chunksize_;
};

// Where block `index` of `blocks` begins in `work`: the first work % blocks of them are one longer.
std::size_t block_begin(std::size_t index, std::size_t blocks, std::size_t work) {
  return index * (work / blocks) + std::min(index, work % blocks);
}

}  // namespace

void Launch::set(const Call& call, std::size_t slots, std::size_t elements, Pieces pieces) {
  write(kernel_, call.kernel);
  write(steps_, call.steps);
  write(data_, call.data);
  write(slots_, slots);
  write(elements_, elements);
  write(slots_done_, std::size_t{0});
  write(dimension_count_, call.inner_ndim + 1);
  write(array_count_, call.array_count);
  write(pieces_, pieces);
  write(one_by_one_, call.one_by_one);
  write(claimed_, static_cast<Claimed*>(nullptr));
  write(timed_piece_, kNone);
  if (chunked()) next_chunk_.store(0, std::memory_order_relaxed);
  for (std::size_t i = 0; i < dimension_count_; ++i) write(dimensions()[i], call.dimensions[i]);
  for (std::size_t i = 0; i < array_count_; ++i) write(arguments()[i], call.arguments[i]);
}

void Launch::cut_finely(std::size_t pieces_of_block, Claimed* claimed) {
  write(pieces_of_block_, static_cast<std::uint8_t>(pieces_of_block));
  for (std::size_t block = 0; block < slots_; ++block) new (&claimed[block]) Claimed;
  claimed_ = claimed;
}

// Not one of the empty pieces at the end of a space that has fewer elements than there are slots.
// The seed is scrambled, since it may be a multiple of what the launches of a loop have in common.
void Launch::time_some_piece(std::uint32_t seed) {
  constexpr std::uint32_t kOdd = 0x9E3779B9;  // 2^32 / golden ratio
  timed_piece_ = (seed * kOdd >> 8) % std::min({pieces(), work(), elements_});
  history::learn_nests(kernel(), elements_, false);
}

void Launch::run_in_turn() {
  claimed_ = nullptr;
  if (chunked()) {
    const std::size_t done = next_chunk_.load(std::memory_order_relaxed);
    if (timed_piece_ != kNone) timed_piece_ = done;  // as one piece
    run(0, done, done, work() - done);
  } else {
    for (std::size_t slot = slots_done_; slot < slots_; ++slot) run_block(slot);
  }
}

bool Launch::run_in_turn_within(std::int64_t limit) {
  const std::int64_t begin = platform::clock_ns();
  const std::size_t all = pieces();
  std::size_t done = 0, more = 1;
  while (done != all) {
    if (chunked()) {
      run(0, done, done, more);
    } else {
      for (std::size_t block = done; block < done + more; ++block) run_block(block);
    }
    done += more;
    const std::int64_t taken = platform::clock_ns() - begin;
    // Reading the clock may take longer than a piece: not after each, while there is much time
    // left.
    more = std::min(taken < limit / 8 ? done : 1, all - done);
    if (taken <= limit || all - done == 1) continue;
    history::forget(kernel(), elements_);
    if (done == all) break;
    if (chunked()) {
      next_chunk_.store(done, std::memory_order_relaxed);
    } else {
      slots_done_ = done;
    }
    return false;
  }
  return true;
}

void Launch::run_as_member(std::size_t& next, std::size_t team_size) {
  // Dealt out one by one: the last ones are empty where there are fewer iterations than slots.
  while (next < slots_) run_slot(std::exchange(next, next + team_size));
}

void Launch::run_slot(std::size_t slot) {
  ThreadState& thread = this_thread;
  const Launch* const outer = std::exchange(thread.launch, this);
  if (chunked()) {
    run_chunks_as(slot);
  } else if (claimed_ != nullptr) {
    run_pieces_as(slot);
  } else {
    run_block(slot);
  }
  thread.launch = outer;
}

void Launch::run_block(std::size_t slot) {
  const std::size_t first = block_begin(slot, slots_, work());
  run(slot, slot, first, block_begin(slot + 1, slots_, work()) - first);
}

void Launch::run_chunks_as(std::size_t slot) {
  for (;;) {
    const std::size_t chunk = next_chunk_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= work()) return;
    run(slot, chunk, chunk, 1);
  }
}

void Launch::run_pieces_as(std::size_t slot) {
  run_pieces_of(slot, slot);
  for (std::size_t next = slot + 1; next < slots_; ++next) run_pieces_of(next, slot);
  for (std::size_t next = 0; next < slot; ++next) run_pieces_of(next, slot);
}

void Launch::run_pieces_of(std::size_t block, std::size_t slot) {
  std::atomic<std::size_t>& claimed = claimed_[block].pieces;
  const std::size_t first = block_begin(block, slots_, work());
  const std::size_t length = block_begin(block + 1, slots_, work()) - first;
  const std::size_t pieces = pieces_of_block_;
  while (claimed.load(std::memory_order_relaxed) < pieces) {
    const std::size_t piece = claimed.fetch_add(1, std::memory_order_relaxed);
    if (piece >= pieces) return;
    const std::size_t begin = block_begin(piece, pieces, length);
    run(slot, block * pieces + piece, first + begin,
        block_begin(piece + 1, pieces, length) - begin);
  }
}

void Launch::call_kernel(char** arguments, std::size_t* dimensions) {
  if (!one_by_one_) [[likely]] {
    kernel_(arguments, dimensions, steps_, data_);
    return;
  }
  const std::size_t count = std::exchange(dimensions[0], 1);
  for (std::size_t element = 0; element < count; ++element) {
    kernel_(arguments, dimensions, steps_, data_);
    for (std::size_t i = 0; i < array_count_; ++i) {
      arguments[i] += static_cast<std::ptrdiff_t>(steps_[i]);
    }
  }
}

void Launch::run(std::size_t slot, std::size_t piece, std::size_t begin, std::size_t count) {
  if (count == 0) return;
  auto* dimensions = static_cast<std::size_t*>(alloca(dimension_count_ * sizeof(std::size_t)));
  std::copy_n(this->dimensions(), dimension_count_, dimensions);
  dimensions[0] = count;
  auto** arguments = static_cast<char**>(alloca(array_count_ * sizeof(char*)));
  for (std::size_t i = 0; i < array_count_; ++i) {
    // A step may be negative, as that of an array that is read backwards.
    arguments[i] = this->arguments()[i] + static_cast<std::ptrdiff_t>(begin * steps_[i]);
  }
  const ActAsSlot as_slot(this_thread, slot, slots_);
  if (timed_piece_ != piece) [[likely]] {
    call_kernel(arguments, dimensions);
    return;
  }
  const history::Stopwatch stopwatch;
  call_kernel(arguments, dimensions);
  stopwatch.learn(kernel(), elements_, chunked() ? work() / count : pieces());
}

}  // namespace ompsafe
