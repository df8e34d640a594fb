// numba.set_parallel_chunksize: how a launch learns that its iterations come in chunks, to be
// scheduled dynamically.
//
// Generated code calls, in this order and with nothing of Numba in between: get_sched_size (with
// the chunk size still set), set_parallel_chunksize(0), allocate_sched, do_scheduling, and
// parallel_for with the schedule as its first argument. So the schedule's address carries the news
// from the first call to the last, whatever else this thread launches before or after.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe {

// The layer's functions of these names (mirrors of gufunc_scheduler's). Sizes in iterations.
extern "C" std::uintptr_t ompsafe_set_parallel_chunksize(std::uintptr_t size);  // the former one
extern "C" std::uintptr_t ompsafe_get_parallel_chunksize();

// The number of divisions for a space of `num_dim` ranges [starts[i], ends[i]]: one for each
// thread, or more where the chunk size asks for more.
extern "C" std::uintptr_t ompsafe_get_sched_size(std::uintptr_t num_threads, std::uintptr_t num_dim,
                                                 const std::intptr_t* starts,
                                                 const std::intptr_t* ends);

// Memory for a schedule of `size` bounds. A thread has one small block of its own, so that a launch
// of a usual size allocates nothing.
extern "C" std::intptr_t* ompsafe_allocate_sched(std::uintptr_t size);
extern "C" void ompsafe_deallocate_sched(std::intptr_t* schedule);

// What a schedule cuts: so many iterations, into chunks or into one block per slot.
struct Cut {
  bool of_schedule;  // false: there is none, as for a ufunc and a gufunc
  std::size_t iterations;
  bool chunked;
};

// A schedule that cuts `iterations` into `divisions` was written at `schedule`.
void note_schedule(const void* schedule, std::size_t divisions, std::size_t iterations);

// What `schedule`, the first argument of a launch of so many divisions, cuts, if it is one. To be
// called once per launch.
Cut take_cut(const void* schedule, std::size_t divisions);

}  // namespace ompsafe
