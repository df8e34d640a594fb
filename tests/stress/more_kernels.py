"""What the actors launch, beside the kernels of the other tests; loaded without a launch."""

import kernels
import numpy as np
import sharing
from numba import guvectorize, njit, objmode, parallel_chunksize, prange, set_num_threads, types

FLOATS, INTEGERS = types.float64[::1], types.int64[::1]


@njit(INTEGERS(types.int64, types.int64), parallel=True)
def chunked(n, chunk):
    """Return how often each iteration ran."""
    runs = np.zeros(n, np.int64)
    with parallel_chunksize(chunk):
        for i in prange(n):
            runs[i] += 1
    return runs


@guvectorize([(FLOATS, types.float64[:])], "(n)->()", target="parallel", cache=True)
def sum_of_row(row, out):
    out[0] = 0
    for value in row:
        out[0] += value


@njit(types.int64(types.int64), cache=True)
def _in_python(i):
    with objmode(length="int64"):
        length = len([None] * i)
    return length


@njit(types.void(types.int64[:, ::1]), parallel=True, cache=True)
def objects(x):
    """Write each one's index in its row, with Python's help."""
    for i in prange(x.shape[0]):
        for j in prange(x.shape[1]):
            x[i, j] = _in_python(j)


@njit(types.int64(types.int64, types.int64), cache=True)
def _fail_at(i, bad):
    if i == bad:
        raise ValueError("raised in a slot")
    return i


@njit(types.void(INTEGERS, types.int64), parallel=True, cache=True)
def raises(x, bad):
    """Write each one's index, and raise at one of them."""
    for i in prange(x.size):
        x[i] = _fail_at(i, bad)


@njit(types.void(types.int64[:, ::1], INTEGERS), parallel=True)
def masks_inside(x, masks):
    """Launch under another mask in each slot; write the ids."""
    for i in prange(x.shape[0]):
        set_num_threads(masks[i])
        x[i] = kernels.inner_ids(x.shape[1])


@njit(types.void(INTEGERS), parallel=True, nogil=True, cache=True)
def _add_one(x):
    for i in prange(x.size):
        x[i] += 1


@njit(types.int64(INTEGERS, types.int64), nogil=True, cache=True)
def in_a_row(x, times):
    """Launch again and again from compiled code; return how often."""
    for _ in range(times):
        _add_one(x)
    return times


def compile_the_others():
    """Have what is compiled at its first call compiled before a process forks beside that."""
    kernels.ids_and_masks.compile((types.int64,))
    kernels.total.compile((FLOATS,))
    kernels.nested_ids.compile((types.int64, types.int64))
    kernels.busy.compile((INTEGERS,) * 5 + (FLOATS,))
    sharing.three_levels.compile((types.int64[:, :, :, ::1], types.int64))
