// A launch as slots: the unit of work that keeps its thread id, whichever OpenMP thread runs it.
//
// A launch on n threads has n slots, numbered 0..n-1. The work, dimensions[0], is cut into n
// contiguous blocks, and block s belongs to slot s. A slot is run as a whole, by one thread, and
// its kernel sees the thread id s and the mask n. So results, and the bits of a float reduction
// that is indexed by thread id, are the same for a team of any size.
//
// A chunked launch (numba.set_parallel_chunksize) has more pieces of work than slots: a thread that
// acts as slot s takes the next piece from a shared counter until none is left.
//
// The elements of a ufunc or gufunc are independent of each other, so that its blocks may be cut
// finer: a thread that acts as slot s takes the pieces of block s, which are in its caches if it
// ran them last time, and then helps with the other blocks.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "work/history.h"

namespace ompsafe {

class Runtime;

// A kernel as Numba compiles it, with a NumPy gufunc's inner-loop signature: it loops over
// dimensions[0] itself, moving each argument by its step (in bytes).
using Kernel = void(char** arguments, std::size_t* dimensions, std::size_t* steps, void* data);

// A cache line on its way from core to core takes about as long as all else that a member does. So
// what the members read lies on few lines side by side, with copies of the dimensions and the
// arguments behind it, and set() writes nothing that is there already: launched again, it stays in
// the other cores' caches.
class alignas(64) Launch {
 public:
  // One call of parallel_for, as Numba's generated code makes it. `inner_ndim` counts the
  // dimensions after the first one.
  struct Call {
    Kernel* kernel;
    char** arguments;
    std::size_t* dimensions;
    std::size_t* steps;
    void* data;
    std::size_t inner_ndim;
    std::size_t array_count;
    bool one_by_one = false;  // the kernel is to be called for each element
  };

  // How much memory must follow the object, initialised: set() compares before it writes.
  static std::size_t words_behind(const Call& call) {
    return call.inner_ndim + 1 + call.array_count;
  }

  // What a thread that acts as a slot may run.
  enum class Pieces : std::uint8_t {
    kBlock,    // its block
    kChunks,   // chunks, whichever come next
    kElements  // its block, but any other elements would do
  };

  // `elements` is what there is to do, in whatever unit the kernel has.
  void set(const Call& call, std::size_t slots, std::size_t elements, Pieces pieces);

  std::size_t slots() const { return slots_; }
  std::size_t slots_done() const { return slots_done_; }

  // Nothing that two threads could share.
  bool indivisible() const { return slots_ == 1 || work() <= 1 || elements_ <= 1; }

  // Runs all slots that are left on the calling thread, one after the other.
  void run_in_turn();

  // The same, for as long as all of them take no longer than `limit` nanoseconds. False if they do:
  // then the slots that are left are for a team.
  bool run_in_turn_within(std::int64_t limit);

  // What earlier launches like this one were.
  history::Known known() const { return history::known(kernel(), elements_); }

  // Of each block, how much has been claimed; on a line of its own, since the block's own slot
  // claims most of it.
  struct alignas(64) Claimed {
    std::atomic<std::size_t> pieces{0};
  };

  // Into how many pieces its blocks may be cut, for slots to take some of each other's; 1 if they
  // may not, or one has been run.
  std::size_t most_pieces_of_block() const {
    if (pieces_ != Pieces::kElements || slots_done_ != 0) return 1;
    return std::clamp<std::size_t>(work() / slots_, 1, 16);
  }

  // Has them do so; `claimed` has room for as many as there are slots, and outlives the launch.
  void cut_finely(std::size_t pieces_of_block, Claimed* claimed);

  // Makes whoever runs one of the pieces learn from it what this launch is like; which one, `seed`
  // says. Nothing is learnt where it has been run already.
  void time_some_piece(std::uint32_t seed);

  // To be called after that: how long the launch took as a whole.
  void learn_longer(std::int64_t ns) const { history::learn_longer(kernel(), elements_, ns); }

  // That a launch worth some help was made inside of it.
  void learn_nests() const { history::learn_nests(kernel(), elements_, true); }

  // The runtime whose team runs it, for the team's members to ask.
  void set_runtime(const Runtime& runtime) { write(runtime_, &runtime); }
  const Runtime& runtime() const { return *runtime_; }

  // Begins to fetch what a member will read that is not in here: the caller's steps.
  void prefetch() const { __builtin_prefetch(steps_); }

  // The part of thread `member` of a team of `team_size` threads, all of which make this call.
  // Members in excess of the slots have no part. `next`: the slot to begin with, the thread's own
  // (first_of_member) or the one after the last that it has begun.
  std::size_t first_of_member(std::size_t member) const { return slots_done_ + member; }
  void run_as_member(std::size_t& next, std::size_t team_size);

  // One slot, for which nobody else may make this call, of a launch in which others take part.
  void run_slot(std::size_t slot);

 private:
  template <typename Value>
  static void write(Value& at, Value value) {
    if (at != value) at = value;
  }

  static constexpr std::size_t kNone = -1;

  const void* kernel() const { return reinterpret_cast<const void*>(kernel_); }
  std::size_t* dimensions() { return reinterpret_cast<std::size_t*>(this + 1); }
  char** arguments() { return reinterpret_cast<char**>(dimensions() + dimension_count_); }
  // Elements, or chunks.
  std::size_t work() const { return *reinterpret_cast<const std::size_t*>(this + 1); }
  bool chunked() const { return pieces_ == Pieces::kChunks; }
  std::size_t pieces() const {
    return chunked() ? work() : claimed_ != nullptr ? slots_ * pieces_of_block_ : slots_;
  }

  void run_block(std::size_t slot);
  void run_chunks_as(std::size_t slot);
  void run_pieces_as(std::size_t slot);
  void run_pieces_of(std::size_t block, std::size_t slot);
  void call_kernel(char** arguments, std::size_t* dimensions);
  // Not inlined: what it takes from the stack must be given back between two pieces of work.
  [[gnu::noinline]] void run(std::size_t slot, std::size_t piece, std::size_t begin,
                             std::size_t count);

  // On a line of its own: every member reads the fields below while they claim chunks.
  std::atomic<std::size_t> next_chunk_{0};

  alignas(64) Kernel* kernel_ = nullptr;
  std::size_t* steps_ = nullptr;
  void* data_ = nullptr;
  const Runtime* runtime_ = nullptr;
  std::size_t slots_ = 0;
  std::size_t elements_ = 0;
  std::size_t slots_done_ = 0;  // before others took part; not of chunks
  std::size_t dimension_count_ = 0;
  std::size_t array_count_ = 0;
  Pieces pieces_ = Pieces::kBlock;
  bool one_by_one_ = false;
  std::uint8_t pieces_of_block_ = 1;  // where slots claim them
  Claimed* claimed_ = nullptr;
  std::size_t timed_piece_ = kNone;
};

}  // namespace ompsafe
