#include "watch.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "failure.h"

namespace native {
namespace {

struct Watched {
  std::atomic<bool> taken{false};
  std::atomic<const char*> step{nullptr};
  std::atomic<unsigned> begun{0};
};
// As many threads as are ever watched at once; more are not.
Watched threads[256];

std::atomic<unsigned> seconds_passed{0};
std::atomic<unsigned> limit{0};

// The calling thread's place, for its life.
class Place {
 public:
  Place() noexcept {
    for (Watched& thread : threads) {
      if (thread.taken.exchange(true)) continue;
      thread_ = &thread;
      return;
    }
  }
  ~Place() {
    if (thread_ != nullptr) thread_->taken = false;
  }
  const char* set(const char* step) {
    if (thread_ == nullptr) return nullptr;
    thread_->begun = seconds_passed.load();
    return thread_->step.exchange(step);
  }

 private:
  Watched* thread_ = nullptr;
};
thread_local Place place;

}  // namespace

Step::Step(const char* name) : outer_(place.set(name)) {}
Step::~Step() { place.set(outer_); }

void watch(unsigned seconds) {
  limit = seconds;
  std::thread([] {
    for (;;) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      const unsigned now = ++seconds_passed;
      for (const Watched& thread : threads) {
        const unsigned taken = now - thread.begun;
        // A step that begins just now has a time that is later.
        if (thread.step != nullptr && taken > limit && taken < now) {
          fail("seconds that a step takes", taken, limit);
        }
      }
    }
  }).detach();
}

void watch_child() {
  // One of the layer's own threads may have forked: it has signals blocked.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  alarm(limit);
}

void tell_steps() {
  for (const Watched& thread : threads) {
    if (const char* step = thread.step) std::fprintf(stderr, "  a thread is at: %s\n", step);
  }
}

}  // namespace native
