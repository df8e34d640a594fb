// What a launch of a ufunc or a gufunc knows of its elements.
//
// Its kernel is built anew in each process, for this layer alone, by
// numba_ompsafe/_layer/elements.py, which has seen the code. What it has found stands in the upper
// bits of inner_ndim: no other layer reads them, and no kernel of a parfor, which may be cached on
// disk, has any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ompsafe {

struct Elements {
  // Any cut gives the same bits. Not so where the loop over the elements may be vectorised in
  // another way than its remainder: under fastmath, or with a library of vector functions.
  static constexpr std::size_t kCutAnywhere = std::size_t{1} << 62;
  // The last argument is the output, and all others are inputs: a ufunc.
  static constexpr std::size_t kOneOutput = std::size_t{1} << 61;
  // Of a ufunc, the sizes of an element: four bits for the output, and then for the first inputs,
  // each the exponent of two and one more.
  static constexpr int kSizes = 32, kSizeBits = 4, kMostSizes = 7;
  static constexpr std::size_t kInnerNdim = (std::size_t{1} << kSizes) - 1;

  bool anything, cut_anywhere, one_output;
  std::size_t bits;

  explicit Elements(std::size_t inner_ndim)
      : anything((inner_ndim & ~kInnerNdim) != 0),
        cut_anywhere((inner_ndim & kCutAnywhere) != 0),
        one_output((inner_ndim & kOneOutput) != 0),
        bits(inner_ndim) {}

  // Whether a ufunc's kernel would write elsewhere than into its output. Numba's has a loop for
  // elements that lie side by side, and takes it where all inputs' do, wherever the output's are.
  // One element it writes right.
  bool miss_the_output(const std::size_t* steps, std::size_t array_count) const {
    return one_output && steps[array_count - 1] != size(0) &&
           are_side_by_side(steps, array_count - 1);
  }

 private:
  std::size_t size(int number) const {
    return std::size_t{1} << (bits >> (kSizes + kSizeBits * number) & 15) >> 1;
  }
  bool are_side_by_side(const std::size_t* steps, std::size_t inputs) const;
};

// Whether one element of `length` needs another one's result: the output, the last of `array_count`
// arguments, meets itself or an input in another way than element by element. So NumPy calls the
// loop of a ufunc for reduce (an output of step 0, which is an input, too), accumulate and reduceat
// (an input that is the output, shifted by one). For a call it makes copies where arrays overlap.
bool depend_on_each_other(char* const* arguments, const std::size_t* steps, std::size_t array_count,
                          std::size_t length);

}  // namespace ompsafe
