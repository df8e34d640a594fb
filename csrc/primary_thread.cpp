#include "primary_thread.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <semaphore>

#include "fork.h"
#include "platform.h"
#include "runtime.h"
#include "thread_supply.h"

namespace ompsafe {
namespace {

// Idle threads with their pools that are kept for their team size. With more sizes in use than
// that, the one that was idle longest changes its size.
constexpr int kIdleKept = 4;

// A thread that has been idle so long ends its pool: libgomp's idle threads hardly spin where pools
// hold more threads than there are cores, which all teams pay for.
constexpr auto kPoolKept = std::chrono::milliseconds(100);

class PrimaryThread {
 public:
  static PrimaryThread* start(unsigned team_size) {
    PrimaryThread* thread = new PrimaryThread(team_size);
    if (platform::start_thread([](void* self) { static_cast<PrimaryThread*>(self)->serve(); },
                               thread)) {
      return thread;
    }
    delete thread;
    return nullptr;
  }

  // False if the body has said so. Then the thread has ended, or is about to, with this object.
  bool run(bool (*body)(void*), void* argument) {
    body_ = body;
    argument_ = argument;
    work_.release();
    done_.acquire();
    if (ran_) return true;
    drop();
    return false;
  }

  unsigned team_size;
  PrimaryThread* next = nullptr;  // in the list of idle ones

 private:
  explicit PrimaryThread(unsigned size) : team_size(size) {}

  void serve() {
    for (;;) {
      if (!work_.try_acquire_for(kPoolKept)) {
        if (Runtime::bound()->gnu()) end_pool_of_this_thread();
        work_.acquire();
      }
      const bool ran = ran_ = body_(argument_);
      done_.release();
      if (!ran) break;
    }
    drop();
  }

  void drop() {
    if (owners_.fetch_sub(1) == 1) delete this;
  }

  std::binary_semaphore work_{0};
  std::binary_semaphore done_{0};
  bool (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool ran_ = false;
  std::atomic<int> owners_{2};  // the thread itself, and who calls it or the list of idle ones
};

// The idle primary threads, the one that ran last in front. Busy ones belong to their callers.
class IdleList {
 public:
  // One of the team size that is asked for; nullptr if there is none, and more may be kept.
  // Otherwise the one that was idle longest.
  PrimaryThread* take(unsigned team_size) {
    const std::lock_guard lock(mutex_);
    PrimaryThread** last = nullptr;
    int idle = 0;
    for (PrimaryThread** at = &first_; *at != nullptr; at = &(*at)->next, ++idle) {
      if ((*at)->team_size == team_size) return unlink(at);
      last = at;
    }
    return idle < kIdleKept ? nullptr : unlink(last);
  }

  void put(PrimaryThread* thread) {
    const std::lock_guard lock(mutex_);
    thread->next = first_;
    first_ = thread;
  }

 private:
  static PrimaryThread* unlink(PrimaryThread** at) {
    PrimaryThread* thread = *at;
    *at = thread->next;
    return thread;
  }

  std::mutex mutex_;
  PrimaryThread* first_ = nullptr;
};

// Never destroyed: a thread may still launch while the process ends.
alignas(IdleList) char idle_storage[sizeof(IdleList)];
IdleList* const idle = new (idle_storage) IdleList;

}  // namespace

bool run_under_primary_thread(unsigned team_size, bool (*body)(void*), void* argument) {
  PrimaryThread* thread = idle->take(team_size);
  if (thread == nullptr && thread_supply::expected(team_size) == team_size) {
    thread = PrimaryThread::start(team_size);
  }
  if (thread == nullptr) return false;
  thread->team_size = team_size;
  if (!thread->run(body, argument)) return false;
  idle->put(thread);
  return true;
}

// The mutex may be held by a thread that does not exist here, so it is made anew with the list.
void forget_primary_threads() { new (idle_storage) IdleList; }

}  // namespace ompsafe
