// Keeps a process from forking while a thread holds what a child could never take.
#pragma once

namespace ompsafe {

// Keeps every thread of the process from forking in Python for the life of the object: for what has
// locks of torch's, of a runtime's or of the dynamic linker's, which a child could never take. Many
// threads may hold one, and a thread that holds one may wait for another that wants one: an ending
// pool's thread may have a pool to end itself. Not to be made with the GIL held.
class NoForkMeanwhile {
 public:
  NoForkMeanwhile();
  ~NoForkMeanwhile();
  NoForkMeanwhile(const NoForkMeanwhile&) = delete;
  NoForkMeanwhile& operator=(const NoForkMeanwhile&) = delete;

 private:
  const bool shares_;
};

namespace forking {

// Whether the calling thread has begun to fork: it has kept the others from what is above already.
bool begun();

// The calling thread forks, once nobody has such an object, and has. Calls may nest.
void begin();
void end();

// In the child: the lock is made anew, since other threads may have had it, or waited for it.
void forget();

}  // namespace forking
}  // namespace ompsafe
