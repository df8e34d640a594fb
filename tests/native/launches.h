// Launches as Numba's generated code makes them, whose kernels look at all that they are promised:
// thread ids, blocks, masks, and that nobody else has their slot.
#pragma once

#include "random.h"

namespace native {

// So many levels of launches are made inside of an outermost one.
constexpr int kDepth = 2;

// One launch, with others inside of it down to `depth` more levels.
void launch(Random& random, int depth);

// How many there have been.
long launches();

}  // namespace native
