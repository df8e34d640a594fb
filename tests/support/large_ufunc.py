"""Parallel ufuncs that hardly wait, alone: their wrappers are compiled in every process."""

from numba import vectorize
from took_part import mark_some


@vectorize(["int64(int64, int64)"], target="parallel", cache=True)
def add(index, b):
    return mark_some(index + b, index)


@vectorize(["int64(int64, int64, int64, int64)"], target="parallel", cache=True)
def add_four(index, b, c, d):
    return mark_some(index + b + c + d, index)
