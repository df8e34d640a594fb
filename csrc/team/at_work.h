// How many threads run slots now, of all launches together: computing ones are to be no more than
// the cores, whoever launched. A thread that waits for another one's slot is not at work.
#pragma once

namespace ompsafe::at_work {

int threads();

// The launches that they are in, those inside of others not counted.
int launches();

// The calling thread launches, with so many threads of a team; alone, others may help.
void begin_launch(int threads);
void end_launch(int threads);

// The calling thread ends in a launch that it began.
void launch_ends_with_thread();

// The calling thread helps, if fewer than `limit` are at work.
bool begin_help_below(int limit);
void end_help();

// A thread, counted by whomever, leaves its core for a while. It is back as soon as it is woken.
void pause();
void go_on();

// In the child of a fork: nobody is, and what the calling thread had begun it ends for itself
// alone.
void forget();

}  // namespace ompsafe::at_work
