#include "threads/pool_end.h"

#include <pthread.h>

#include "system/no_fork.h"
#include "system/platform.h"
#include "system/thread_state.h"
#include "threads/pool_count.h"
#include "threads/pools.h"

namespace ompsafe {
namespace {

void end_for_good() noexcept {
  end_pool_of_this_thread();
  this_thread.pool_ended = true;
}

// The destructors of keys come after those of thread_local variables, and what one of them sets
// has them called again. So this one sees a pool whose thread launches for the first time as it
// ends.
pthread_key_t last_call;
const bool has_last_call =
    pthread_key_create(&last_call, [](void*) noexcept { end_for_good(); }) == 0;

struct PoolEnd {
  ~PoolEnd() {
    end_for_good();
    if (has_last_call) pthread_setspecific(last_call, nullptr);
  }
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
  if (has_last_call) pthread_setspecific(last_call, &this_thread);
}

}  // namespace ompsafe
