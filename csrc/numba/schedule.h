// The partition of a parfor's iteration space, as the generated code asks for it. It mirrors the
// functions of the same names that every threading layer of Numba exports (gufunc_scheduler), to
// the last bound: arrays that a kernel indexes by division must not depend on the layer. Where
// Numba's own overflow, towards the ends of the 64-bit indices, these go on with a partition. And
// the parts of a range that ends far below its start are empty here in every reading: a kernel with
// unsigned indices would run nearly 2^64 of Numba's.
#pragma once

#include <cstdint>

namespace ompsafe {

// Divides the space of `num_dim` ranges [starts[i], ends[i]], both ends included, into
// `num_divisions` boxes. Box d is written to schedule[2 * num_dim * d]: its starts, then its ends.
// An empty box has an end below its start. No dimension has 2^64 indices: such a range has an end
// that Numba cannot name. `debug` is ignored: a layer prints nothing.
extern "C" void ompsafe_do_scheduling_signed(std::uintptr_t num_dim, const std::intptr_t* starts,
                                             const std::intptr_t* ends,
                                             std::uintptr_t num_divisions, std::intptr_t* schedule,
                                             std::intptr_t debug);

// The same for a space of unsigned indices, whose bounds Numba passes in the same bits. It reads
// them as signed ones, and must: `prange(-3)` starts at 0, so that Numba gives it unsigned indices.
// So a range is empty here where it is in either reading.
extern "C" void ompsafe_do_scheduling_unsigned(std::uintptr_t num_dim, const std::intptr_t* starts,
                                               const std::intptr_t* ends,
                                               std::uintptr_t num_divisions,
                                               std::uintptr_t* schedule, std::intptr_t debug);

}  // namespace ompsafe
