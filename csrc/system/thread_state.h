// What the layer keeps for each thread of the process: plain data, valid from the thread's first
// instruction on, nothing to destroy at its end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe {

class Launch;
class Post;
class Runtime;

struct ThreadState {
  // The mask: the last numba.set_num_threads on this thread, 0 if there was none. In a slot: the
  // number of slots of its launch.
  int mask = 0;

  // The most threads that a launch here may have, whatever the rules say: threadpoolctl's limit on
  // this thread. 0 for none, and in a slot.
  int limit = 0;

  // The launch that this thread runs a slot of beside other threads, nullptr if none.
  const Launch* launch = nullptr;

  // The thread id that a kernel sees: the slot that this thread runs, 0 outside of a launch.
  int slot = 0;

  // The runtime that knows this thread (meet_this_thread in runtime.h).
  const Runtime* met = nullptr;

  // The count that generated code was told for the launch that it prepares, 0 if it prepares none,
  // and nthreads-var then.
  int count_of_launch = 0;
  const Runtime* runtime_of_launch = nullptr;
  int nthreads_var_of_launch = 0;

  // numba.set_parallel_chunksize: iterations per chunk, 0 for one block per slot.
  std::size_t chunksize = 0;

  // Between get_sched_size and do_scheduling: the divisions that a chunk size asked for.
  std::size_t chunked_divisions = 0;

  // Between do_scheduling and parallel_for: the schedule, by which a launch is recognised, and what
  // it cuts (see take_cut in chunks.h).
  const void* schedule = nullptr;
  std::size_t divisions = 0;
  std::size_t iterations = 0;
  bool chunked = false;

  // See pool_end.h.
  bool pool_end_arranged = false;
  bool pool_ended = false;

  // A hash of the cores that it might run on when it last looked (cores.cpp), 0 if it has not.
  std::uint64_t cores = 0;

  // The forks that this thread has begun, and not ended (no_fork.h).
  int forks_begun = 0;

  // The threads of this thread's pool, as far as launches built it (pool_count.h), on which
  // runtime, what an empty region of it takes (region.cpp), and how many launches were made without
  // one (team.cpp).
  int pool_size = 0;
  const Runtime* pool_runtime = nullptr;
  std::int64_t empty_region_ns = 0;
  std::uint8_t launches_without_pool = 0;

  // How many launches of this thread are shared yet, since another thread launched beside the last
  // ones (team.cpp).
  std::uint8_t launches_to_share = 0;

  // When this thread's part of the last region ended, and until when regions are looked at more
  // closely, 0 if they are not (region.cpp).
  std::int64_t part_ended = 0;
  std::int64_t examine_until = 0;

  // What this thread has counted as at work (at_work.cpp), and had when it forked.
  std::int64_t at_work = 0;
  std::int64_t at_work_before_fork = 0;

  // The post of its last launch, that of the outermost launch around what it runs (board.h), and
  // how often it slept for the end of a launch: that was no kernel's wait.
  static constexpr unsigned kNoPost = 127;
  unsigned post = 0;
  unsigned outermost = kNoPost;
  std::int64_t own_waits = 0;

  // The post of another thread's launch of which this one runs a slot, nullptr if none.
  Post* helps = nullptr;

  // Launches that wanted threads: one in so many is timed (team.cpp).
  std::uint32_t launches = 0;

  // What thread_count.cpp knows of this thread's nthreads-var and of torch's plans for it.
  struct Followed {
    const Runtime* runtime = nullptr;
    int nthreads_var = 0;               // as last read
    bool was_set = false;               // it has been seen with another value than the initial one
    bool torch_ran_at_initial = false;  // see count_where_untouched
    int answer = 0;                     // torch's, if it was asked
    std::uint32_t epoch = 0;            // when that was
    std::int64_t period = -1;
    bool settled = false;  // see settle_torch: done, or not to be done on this thread
    std::int64_t settle_period = -1;
  } followed;
};

extern constinit thread_local ThreadState this_thread;

}  // namespace ompsafe
