"""What a caller may give for a number of threads, good and bad, as hypothesis makes it up."""

import numpy as np
from hypothesis import strategies as st


class RaisesIndex:
    def __index__(self):
        raise LookupError("of the caller's own")


class RaisesRepr:
    def __repr__(self):
        raise LookupError("of the caller's own")


class NoIndex:
    def __index__(self):
        return "2"


EDGES = [0, -1, 2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**63, 2**64, -(2**31), -(2**64), 10**5000]

integers = st.sampled_from(EDGES) | st.integers() | st.integers(-3, 70)
of_numpy = st.integers(-3, 70).map(np.int64) | st.integers(0, 255).map(np.uint8)
no_integers = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(),
    st.just("x" * 100_000),
    st.binary(),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(), st.integers(), max_size=2),
    st.builds(NoIndex),
    st.builds(RaisesRepr),
    st.sampled_from([object, print, ..., np.float64(2), np.array([2]), np.bool_(True)]),
)
