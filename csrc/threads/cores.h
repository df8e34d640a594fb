// The cores that launches are spread over, and that the crew runs on: those that the main thread
// may use, which is what a process is confined to, and those that the thread that looked last may.
//
// Where the runtime binds threads to places, it has narrowed the main thread's mask to the first of
// them, and the process has all. A main thread with another mask has been confined since; so has a
// process in which somebody has narrowed a thread of the crew's. One that is confined to just its
// first place, and has no crew yet, looks as if it were not.
#pragma once

#include "openmp/runtime.h"
#include "system/platform.h"

namespace ompsafe::cores {

// Sees what there is now. A few system calls. Whether the calling thread may use others than it
// might when it looked last.
bool look(const Runtime& runtime);

// Whether nobody has looked yet, in this process.
bool unknown();

// How many there are; at least 1.
int count();

// Whether the runtime binds threads to places that the process has been confined to leave.
bool leave_places();

platform::Cores now();

// What a thread of the crew has set for itself.
struct Used {
  unsigned version = 0;
  platform::Cores cores{};
};

// Lets the calling thread, one of the crew, run on all of them and on no other, from now on. To be
// called when it comes to look for work: whoever confines the process may leave out its threads.
void use(Used& used);

// In the child of a fork, whose only thread is the main thread from now on.
void after_fork_in_child();

}  // namespace ompsafe::cores
