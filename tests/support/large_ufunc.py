"""A parallel ufunc that does not wait, alone: its wrapper is compiled in every process."""

from numba import vectorize
from took_part import mark_some


@vectorize(["int64(int64, int64)"], target="parallel", cache=True)
def add(index, b):
    return mark_some(index + b, index)
