// The crew: threads of the layer's own, few for the whole process, that help with launches on the
// board (board.h): where a region's team is not to be had, or would have to wait for its own
// threads (team.h). No launch needs them: its caller runs what they do not.
//
// One without work looks at the board for as long as it takes to wake a thread, if there is a core
// for it, and then sleeps. The last one that looked and found work wakes another, if there is more.
// Where all cores are at work, and there is more of it, one of the crew is on watch: it looks again
// every now and then whether that is still so. No thread that ends a launch says that its core is
// free: most go on there, and launch again, while who was woken would take the core.
#pragma once

#include <cstdint>

namespace ompsafe {
class Runtime;
}

namespace ompsafe::crew {

// In nanoseconds, what waking a thread takes where there is a core for it: for so long a thread
// looks for what it waits for before it sleeps.
constexpr std::int64_t kUsualWake = 50'000;

// When it looks again, in nanoseconds: a thread that is woken takes a hundredth of that.
constexpr std::int64_t kLookAgain = 20 * kUsualWake;

// Whether one could take a slot now (awake), or after it was woken (idle), or there is a crew at
// all.
bool awake();
bool idle();
bool exists();

// Has `helpers` threads look at the board, and, to `watch`, one more look every now and then: wakes
// those of them that sleep, and starts those that are missing. Returns how many helpers there are,
// fewer where the system gives no more.
unsigned call(const Runtime& runtime, unsigned helpers, bool watch);

// That a thread has left its core: one that sleeps may have it, if there is something to do.
void core_is_free();

// In the child of a fork: there is nobody.
void forget();

}  // namespace ompsafe::crew
