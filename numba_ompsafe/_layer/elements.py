"""What the code of a ufunc or gufunc tells its launches of its elements.

``csrc/numba/elements.h`` reads it. Numba builds these kernels anew in each process and caches none,
unlike a parfor's: no other layer sees what is said here.
"""

import re
from typing import Any

# Bits of inner_ndim.
CUT_ANYWHERE = 1 << 62
ONE_OUTPUT = 1 << 61

# LLVM computes the elements that fill no vector one by one. That gives other bits where it was
# allowed to reorder or to approximate, and where vectors go to a library of their own.
_BITS_DEPEND_ON_THE_CUT = re.compile(
    r" = (?:(?:tail|musttail|notail) )?[a-z]+ (?:fast|nnan|ninf|nsz|arcp|contract|afn|reassoc)\b"
    r"|@__svml_|@_ZGV|@llvm\.fmuladd"
)


# Where the sizes of a ufunc's elements begin, how many bits each has, and how many there are.
SIZES, SIZE_BITS, MOST_SIZES = 32, 4, 7


def of_gufunc(library: Any) -> int:
    """Return the bits for a kernel whose loop over the elements is in ``library``.

    Args:
        library: a code library of Numba's, with optimised code of all that the loop calls.
    """
    code = str(library._get_module_for_linking())
    return 0 if _BITS_DEPEND_ON_THE_CUT.search(code) else CUT_ANYWHERE


def of_ufunc(library: Any, context: Any, signature: Any) -> int:
    """Return the same for a ufunc, which has one output and no core dimensions.

    Args:
        library: as above.
        context: the target context of Numba's that the kernel is compiled for.
        signature: the ufunc's, of one element.
    """
    bits = of_gufunc(library) | ONE_OUTPUT
    types = (signature.return_type, *signature.args)
    for number, one in enumerate(types[:MOST_SIZES]):
        size = context.get_abi_sizeof(context.get_data_type(one))
        bits |= size.bit_length() << SIZES + SIZE_BITS * number
    return bits
