#include "system/no_fork.h"

#include <pthread.h>

#include "system/thread_state.h"

namespace ompsafe {
namespace {

// Held shared by who must not be forked meanwhile, and exclusively by who forks. glibc's lets new
// ones share it while somebody waits to have it alone, which NoForkMeanwhile's users rely on.
// std::shared_mutex is this lock in libstdc++, and in libc++ one that does not.
constinit pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

}  // namespace

// The thread that forks has it alone already; what it may still call does not fork.
NoForkMeanwhile::NoForkMeanwhile() : shares_(!forking::begun()) {
  if (shares_) pthread_rwlock_rdlock(&lock);
}
NoForkMeanwhile::~NoForkMeanwhile() {
  if (shares_) pthread_rwlock_unlock(&lock);
}

namespace forking {

bool begun() { return this_thread.forks_begun != 0; }

void begin() {
  if (!begun()) pthread_rwlock_wrlock(&lock);
  ++this_thread.forks_begun;
}

void end() {
  if (begun() && --this_thread.forks_begun == 0) pthread_rwlock_unlock(&lock);
}

void forget() {
  lock = PTHREAD_RWLOCK_INITIALIZER;
  this_thread.forks_begun = 0;
}

}  // namespace forking
}  // namespace ompsafe
