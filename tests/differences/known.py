"""Differences that are meant, each with the reason."""

import re
from collections.abc import Iterable

# The name of a kernel, and the outcomes that it has under this layer and not under Numba's own, as
# expressions; and why that is as it should be.
BY_CHANCE = (
    "an exception in a slot is told of if the calling thread ran that slot, under any layer "
    "(docs/hostile.md), and which slots it runs is left to chance here"
)
IN_CALLS = (
    "a gufunc's call ends at the element that raises, and how many elements a call has is each "
    "layer's own"
)
KNOWN: tuple[tuple[str, str, str], ...] = (
    (r"ufunc raising", r"ValueError: seven, .*", BY_CHANCE),
    (r"gufunc raising", r".*", IN_CALLS),
    (r"ufunc quotient_with_errors", r"FloatingPointError: .*", BY_CHANCE),
    (r"raise_in_(one|all)_.*|index_out_of_bounds.*|divide\(.*", r"\w+Error: .*", BY_CHANCE),
)


def known(kernel: str, surplus: Iterable[str]) -> str:
    """Return the reason for a difference, "" if it is not known."""
    for kernels, outcomes, reason in KNOWN:
        if re.fullmatch(kernels, kernel) and all(re.fullmatch(outcomes, one) for one in surplus):
            return reason
    return ""
