// Forks, with launches in the child.
#pragma once

#include "random.h"

namespace native {

enum class Forks {
  kNone,
  kBare,      // the child exits at once
  kLaunching  // it launches before
};
void set_forks(Forks kind);

// From wherever the calling thread is, and beside whatever other threads do.
void fork_and_launch(Random& random);

// How many there have been.
long forks();

}  // namespace native
