// Slots shared with whoever has nothing to do: the launch is on the board while its caller runs
// slots of it, and ends without waiting for threads that have taken none.
#pragma once

namespace ompsafe {

class Launch;
class Runtime;

// Runs all slots and returns when they are done. `threads`: how many are of use, with the caller.
// `beyond_cores`: also if that is more than there are cores, since the kernel waits for something.
// `inside`: the caller is at work already, in a slot of another launch.
void share(const Runtime& runtime, Launch& launch, unsigned threads, bool beyond_cores,
           bool inside);

}  // namespace ompsafe
