#include "launch.h"

#include <algorithm>

#include "chunks.h"
#include "runtime.h"
#include "team.h"
#include "thread_count.h"

namespace ompsafe {

void ompsafe_parallel_for(Kernel* kernel, char** arguments, std::size_t* dimensions,
                          std::size_t* steps, void* data, std::size_t inner_ndim,
                          std::size_t array_count, std::intptr_t num_threads) {
  end_of_preparation();
  const bool chunked = take_chunked(arguments[0]) && !Runtime::bound()->static_schedule_wanted();
  const std::size_t slots = std::max<std::intptr_t>(1, num_threads);
  Launch launch(kernel, arguments, dimensions, steps, data, inner_ndim, array_count, slots,
                chunked);
  run_slots_in_team(launch);
}

}  // namespace ompsafe
