#include "numba/elements.h"

#include <algorithm>

namespace ompsafe {
namespace {

// Where the elements of an argument begin: NumPy's are either the same or apart.
struct Begins {
  std::intptr_t first, step, lowest, highest;

  Begins(const char* argument, std::size_t step, std::size_t length)
      : first(reinterpret_cast<std::intptr_t>(argument)), step(static_cast<std::intptr_t>(step)) {
    const std::intptr_t last = first + this->step * static_cast<std::intptr_t>(length - 1);
    lowest = std::min(first, last);
    highest = std::max(first, last);
  }
};

// Interleaved arrays, as the real and the imaginary parts of complex numbers, do not meet.
bool meet(const Begins& output, const Begins& input) {
  if (input.highest < output.lowest || output.highest < input.lowest) [[likely]]
    return false;
  return input.step != output.step || (input.first - output.first) % output.step == 0;
}

}  // namespace

bool Elements::are_side_by_side(const std::size_t* steps, std::size_t inputs) const {
  const std::size_t known = std::min<std::size_t>(inputs, kMostSizes - 1);
  for (std::size_t i = 0; i < known; ++i) {
    if (steps[i] != size(static_cast<int>(i) + 1)) return false;
  }
  return true;
}

bool depend_on_each_other(char* const* arguments, const std::size_t* steps, std::size_t array_count,
                          std::size_t length) {
  if (length <= 1) return false;
  const std::size_t last = array_count - 1;
  const Begins output(arguments[last], steps[last], length);
  if (output.step == 0) return true;
  for (std::size_t i = 0; i < last; ++i) {
    if (arguments[i] == arguments[last] && steps[i] == steps[last]) continue;
    if (meet(output, Begins(arguments[i], steps[i], length))) return true;
  }
  return false;
}

}  // namespace ompsafe
