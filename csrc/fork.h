// What happens to OpenMP's pools at a fork.
//
// The pool of the thread that forks does not survive in the child with GNU's runtime, which does
// not know: its next parallel region there would wait for ever. So the pool is ended before the
// fork, and parent and child each build a new one at their next launch. Where the runtime refuses
// (a fork from inside of a parallel region), the child runs its slots in turn.
#pragma once

namespace ompsafe {

// Registers the handlers (pthread_atfork), once for the process.
void handle_forks();

}  // namespace ompsafe
