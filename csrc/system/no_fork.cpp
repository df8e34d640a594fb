#include "system/no_fork.h"

#include <new>
#include <shared_mutex>

#include "system/thread_state.h"

namespace ompsafe {
namespace {

// Held shared by who must not be forked meanwhile, and exclusively by who forks. glibc's lets new
// ones share it while somebody waits to have it alone, which NoForkMeanwhile's users rely on. Never
// destroyed: a thread may fork while the process ends.
alignas(std::shared_mutex) char lock_storage[sizeof(std::shared_mutex)];
std::shared_mutex* const lock = new (lock_storage) std::shared_mutex;

}  // namespace

// The thread that forks has it alone already; what it may still call does not fork.
NoForkMeanwhile::NoForkMeanwhile() : shares_(!forking::begun()) {
  if (shares_) lock->lock_shared();
}
NoForkMeanwhile::~NoForkMeanwhile() {
  if (shares_) lock->unlock_shared();
}

namespace forking {

bool begun() { return this_thread.forks_begun != 0; }

void begin() {
  if (!begun()) lock->lock();
  ++this_thread.forks_begun;
}

void end() {
  if (begun() && --this_thread.forks_begun == 0) lock->unlock();
}

void forget() {
  new (lock_storage) std::shared_mutex;
  this_thread.forks_begun = 0;
}

}  // namespace forking
}  // namespace ompsafe
