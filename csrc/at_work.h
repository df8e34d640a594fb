// How many threads run slots now, of all launches together: computing ones are to be no more than
// the cores, whoever launched. A thread that waits for another one's slot is not at work.
#pragma once

namespace ompsafe::at_work {

int threads();

// For the calling thread, or for those of its team.
void begin(int threads);
void end(int threads);

// The calling thread, counted by whomever, leaves its core for a while.
void pause();
void go_on();

// One more, if fewer than `limit` are.
bool begin_below(int limit);

// In the child of a fork: nobody is, and what the calling thread had begun it ends for itself
// alone.
void forget();

}  // namespace ompsafe::at_work
