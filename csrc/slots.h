// A launch as slots: the unit of work that keeps its thread id, whichever OpenMP thread runs it.
//
// A launch on n threads has n slots, numbered 0..n-1. The work, dimensions[0], is cut into n
// contiguous blocks, and block s belongs to slot s. A slot is run as a whole, by one thread, and
// its kernel sees the thread id s and the mask n. So results, and the bits of a float reduction
// that is indexed by thread id, are the same for a team of any size.
//
// A chunked launch (numba.set_parallel_chunksize) has more pieces of work than slots: a thread that
// acts as slot s takes the next piece from a shared counter until none is left.
#pragma once

#include <atomic>
#include <cstddef>

namespace ompsafe {

// A kernel as Numba compiles it, with a NumPy gufunc's inner-loop signature: it loops over
// dimensions[0] itself, moving each argument by its step (in bytes).
using Kernel = void(char** arguments, std::size_t* dimensions, std::size_t* steps, void* data);

class Launch {
 public:
  // One call of parallel_for. `inner_ndim` counts the dimensions after the first one.
  Launch(Kernel* kernel, char** arguments, const std::size_t* dimensions, std::size_t* steps,
         void* data, std::size_t inner_ndim, std::size_t array_count, std::size_t slots,
         bool chunked)
      : kernel_(kernel),
        arguments_(arguments),
        dimensions_(dimensions),
        steps_(steps),
        data_(data),
        dimension_count_(inner_ndim + 1),
        array_count_(array_count),
        slots_(slots),
        chunked_(chunked) {}

  std::size_t slots() const { return slots_; }

  // Pieces of work: elements, or chunks.
  std::size_t work() const { return dimensions_[0]; }

  // Runs all slots on the calling thread, one after the other.
  void run_in_turn();

  // The part of thread `member` of a team of `team_size` threads, all of which make this call.
  // Members in excess of the slots have no part.
  void run_as_member(std::size_t member, std::size_t team_size);

 private:
  void run_slots(std::size_t begin, std::size_t end);
  void run_chunks_as(std::size_t slot);
  // Not inlined: what it takes from the stack must be given back between two pieces of work.
  [[gnu::noinline]] void run(std::size_t slot, std::size_t begin, std::size_t count);

  Kernel* const kernel_;
  char** const arguments_;
  const std::size_t* const dimensions_;
  std::size_t* const steps_;
  void* const data_;
  const std::size_t dimension_count_;
  const std::size_t array_count_;
  const std::size_t slots_;
  const bool chunked_;
  // On a line of its own: every member of the team reads the fields above while they claim chunks.
  alignas(64) std::atomic<std::size_t> next_chunk_{0};
};

}  // namespace ompsafe
