#include "numba/chunks.h"

#include <cstdlib>
#include <utility>

#include "system/thread_state.h"

namespace ompsafe {
namespace {

constexpr std::size_t kOwnBlockSize = 256;  // 128 divisions of one dimension

struct OwnBlock {
  std::intptr_t bounds[kOwnBlockSize];
  bool taken;
};
constinit thread_local OwnBlock own_block{};

}  // namespace

std::uintptr_t ompsafe_set_parallel_chunksize(std::uintptr_t size) {
  const std::uintptr_t former = this_thread.chunksize;
  this_thread.chunksize = size;
  return former;
}

std::uintptr_t ompsafe_get_parallel_chunksize() { return this_thread.chunksize; }

std::uintptr_t ompsafe_get_sched_size(std::uintptr_t num_threads, std::uintptr_t num_dim,
                                      const std::intptr_t* starts, const std::intptr_t* ends) {
  ThreadState& thread = this_thread;
  thread.chunked_divisions = 0;
  if (thread.chunksize == 0) return num_threads;
  std::uintptr_t iterations = 1;
  for (std::uintptr_t i = 0; i < num_dim; ++i) {
    // Of unsigned indices as well, for which there is no function of its own.
    iterations *= ends[i] < starts[i] ? 0
                                      : static_cast<std::uintptr_t>(ends[i]) -
                                            static_cast<std::uintptr_t>(starts[i]) + 1;
  }
  const std::uintptr_t chunks = iterations / thread.chunksize;
  thread.chunked_divisions = chunks < num_threads ? num_threads : chunks;
  return thread.chunked_divisions;
}

std::intptr_t* ompsafe_allocate_sched(std::uintptr_t size) {
  OwnBlock& own = own_block;
  if (!own.taken && size <= kOwnBlockSize) {
    own.taken = true;
    return own.bounds;
  }
  // Zeros: do_scheduling reads what it overwrites.
  return static_cast<std::intptr_t*>(std::calloc(size, sizeof(std::intptr_t)));
}

void ompsafe_deallocate_sched(std::intptr_t* schedule) {
  OwnBlock& own = own_block;
  if (schedule == own.bounds) {
    own.taken = false;
  } else {
    std::free(schedule);
  }
}

void note_schedule(const void* schedule, std::size_t divisions, std::size_t iterations) {
  ThreadState& thread = this_thread;
  thread.schedule = schedule;
  thread.divisions = divisions;
  thread.iterations = iterations;
  thread.chunked = thread.chunked_divisions == divisions;
  thread.chunked_divisions = 0;
}

// Whatever is launched, a schedule that was written before is this launch's or nobody's: without a
// launch of its own, as where a schedule is asked for by hand, other data may come to lie there.
Cut take_cut(const void* schedule, std::size_t divisions) {
  ThreadState& thread = this_thread;
  const void* written = std::exchange(thread.schedule, nullptr);
  if (written == nullptr || written != schedule || thread.divisions != divisions) return {};
  return {true, thread.iterations, thread.chunked};
}

}  // namespace ompsafe
