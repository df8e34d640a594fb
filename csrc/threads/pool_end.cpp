#include "threads/pool_end.h"

#include "system/no_fork.h"
#include "system/platform.h"
#include "system/thread_state.h"
#include "threads/pool_count.h"
#include "threads/pools.h"

namespace ompsafe {
namespace {

struct PoolEnd {
  ~PoolEnd() { end_pool_of_this_thread(); }
};

}  // namespace

void end_pool_of_this_thread() {
  const NoForkMeanwhile no_fork;
  pools::look_for_runtimes();
  pools::end_here();
  pool_count::set_here(0);
}

// The main thread's pool ends with the process.
void end_pool_with_this_thread() {
  if (this_thread.pool_end_arranged) return;
  this_thread.pool_end_arranged = true;
  if (platform::is_main_thread()) return;
  static thread_local PoolEnd at_thread_end;
  static_cast<void>(at_thread_end);
}

}  // namespace ompsafe
