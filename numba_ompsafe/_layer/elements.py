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


def of_kernel(library: Any, is_ufunc: bool) -> int:
    """Return the bits for a kernel whose loop over the elements is in ``library``.

    Args:
        library: a code library of Numba's, with optimised code of all that the loop calls.
        is_ufunc: whether it has one output and no core dimensions.
    """
    bits = ONE_OUTPUT if is_ufunc else 0
    if not _BITS_DEPEND_ON_THE_CUT.search(str(library._get_module_for_linking())):
        bits |= CUT_ANYWHERE
    return bits
