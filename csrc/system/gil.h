// Giving up Python's GIL where one waits. Whoever holds a lock that is not ours (the dynamic
// linker's, an OpenMP runtime's, torch's) may want the GIL before it lets go: a callback of
// dl_iterate_phdr written in Python does. So the layer never waits for such a lock with the GIL
// held, and never takes one.
//
// A launch runs without the GIL. What comes before it, the question for the count, runs in
// generated code that may hold it.
//
// Where Python has no GIL, a thread is attached in its place: whoever stops all threads, to collect
// garbage for one, waits for those that are, so that the same holds.
#pragma once

namespace ompsafe {

// The calling thread holds no GIL for the life of the object; has nothing to do where it holds
// none. Made before all locks, so that it ends after them.
class WithoutGil {
 public:
  WithoutGil();
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  void* saved_ = nullptr;  // the thread state, if the thread was attached
};

}  // namespace ompsafe
