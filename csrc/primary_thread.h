// Primary threads of the layer's own. A runtime keeps one pool for each primary thread; a team of
// another size than the caller's pool has is run under one of these, so that neither pool changes
// its size.
#pragma once

namespace ompsafe {

// Calls body(argument) on an idle primary thread, preferably one that ran a team of `team_size`
// last, and returns when it has returned. False if no thread can be had, with nothing called, and
// if the body has returned false: it could not have its team, and the primary thread, with whatever
// is left of its pool, ends.
bool run_under_primary_thread(unsigned team_size, bool (*body)(void*), void* argument);

// In the child of a fork: the primary threads are gone. Forgets them.
void forget_primary_threads();

}  // namespace ompsafe
