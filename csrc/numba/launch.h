// The layer's parallel_for: where Numba's generated code enters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "work/slots.h"

namespace ompsafe {

// Runs `kernel` over dimensions[0] pieces of work on `num_threads` slots and returns when all is
// done. Mirrors parallel_for of Numba's layers. Needs no GIL, may be called from any thread, inside
// of any parallel region and from a kernel.
extern "C" void ompsafe_parallel_for(Kernel* kernel, char** arguments, std::size_t* dimensions,
                                     std::size_t* steps, void* data, std::size_t inner_ndim,
                                     std::size_t array_count, std::intptr_t num_threads);

}  // namespace ompsafe
