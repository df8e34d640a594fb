// What happens where the calling thread ends, by pthread_exit or pthread_cancel, inside of a call:
// Python up to 3.13 ends a thread so that wants the GIL while the interpreter ends.
//
// By POSIX's cleanup handlers, which run before anything is lost that is on the stack above them,
// and whatever the frames below them are: destructors would run only where an unwinder finds its
// way through code that Numba built, and could not resume it there, since libgcc is linked
// statically.
#pragma once

#include <pthread.h>
#include <setjmp.h>

#include <cstddef>

#include "system/thread_state.h"

namespace ompsafe {

// What a slot sets of its thread: to be put back where the slot has not come to its end.
class RoleOfThread {
 public:
  explicit RoleOfThread(const ThreadState& thread)
      : mask_(thread.mask),
        limit_(thread.limit),
        slot_(thread.slot),
        chunksize_(thread.chunksize),
        launch_(thread.launch) {}

  void put_back(ThreadState& thread) const {
    thread.mask = mask_;
    thread.limit = limit_;
    thread.slot = slot_;
    thread.chunksize = chunksize_;
    if (thread.launch != nullptr) thread.launch = launch_;  // none in the child of a fork
  }

 private:
  const int mask_;
  const int limit_;
  const int slot_;
  const std::size_t chunksize_;
  const Launch* const launch_;
};

// Calls body(), and at_exit() where the thread ends in there; then its end goes on. at_exit() is
// not to run any kernel: that might end the thread once more.
template <typename Body, typename AtExit>
void unless_thread_ends(Body body, AtExit at_exit) {
  struct Handler {
    AtExit& at_exit;
    const RoleOfThread role;
  } handler{at_exit, RoleOfThread(this_thread)};
  void (*const run)(void*) = [](void* argument) {
    const auto& [at_exit, role] = *static_cast<Handler*>(argument);
    at_exit();
    role.put_back(this_thread);
  };
  pthread_cleanup_push(run, &handler);
  body();
  pthread_cleanup_pop(0);
}

// Calls body(), and keeps the thread where it ends in there: false.
template <typename Body>
bool keep_thread(Body body) {
  struct Handler {
    const RoleOfThread role;
    jmp_buf back;
  } handler{RoleOfThread(this_thread), {}};
  void (*const run)(void*) = [](void* argument) {
    Handler& handler = *static_cast<Handler*>(argument);
    handler.role.put_back(this_thread);
    longjmp(handler.back, 1);
  };
  volatile bool kept = false;
  pthread_cleanup_push(run, &handler);
  if (_setjmp(handler.back) == 0) {
    body();
  } else {
    kept = true;
  }
  pthread_cleanup_pop(0);
  return !kept;
}

}  // namespace ompsafe
