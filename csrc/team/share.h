// Slots shared with whoever has nothing to do: the launch is on the board while its caller runs
// slots of it, and ends without waiting for threads that have taken none.
#pragma once

namespace ompsafe {

class Launch;
class Runtime;
namespace history {
struct Known;
}

// Runs all slots and returns when they are done. `threads`: how many are of use, with the caller;
// no more than there are cores, unless the kernel waits for something.
// `inside`: the caller is at work already, in a slot of another launch.
void share(const Runtime& runtime, Launch& launch, const history::Known& known, unsigned threads,
           bool inside);

}  // namespace ompsafe
