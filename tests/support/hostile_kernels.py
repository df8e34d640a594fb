"""Kernels that raise in one slot, and that launch themselves, again and again."""

import ctypes
import sys

import kernels
import numpy as np
from numba import carray, cfunc, guvectorize, njit, prange, types, vectorize

N = 16


@njit(cache=True)
def _check(i, bad):
    if i == bad:
        raise ValueError("on purpose")


@njit(parallel=True, cache=True)
def _in_prange(out, bad):
    for i in prange(out.size):
        _check(i, bad)
        out[i] = i + 1


@vectorize(["int64(int64, int64)"], target="parallel", cache=True)
def _in_ufunc(i, bad):
    _check(i, bad)
    return i + 1


@guvectorize(["(int64[:], int64, int64[:])"], "(n),()->()", target="parallel", cache=True)
def _in_gufunc(i, bad, out):
    _check(i[0], bad)
    out[0] = i[0] + 1


RAISE = {
    "prange": _in_prange,
    "ufunc": lambda out, bad: _in_ufunc(np.arange(N), bad, out),
    "gufunc": lambda out, bad: _in_gufunc(np.arange(N)[:, None], bad, out),
}


def raise_in(kind, bad):
    """Launch, and raise at one element; return what was raised and where results are right."""
    out = np.zeros(N, np.int64)
    raised = ""
    try:
        RAISE[kind](out, bad)
    except (ValueError, SystemError) as error:
        raised = f"{type(error.__cause__ or error).__name__}: {error.__cause__ or error}"
    assert sys.exc_info() == (None, None, None)
    assert kernels.launch() == 4
    assert len(sys._current_frames()) == 1  # no thread state is left
    return [raised, (out == np.arange(N) + 1).tolist()]


WIDTH = 4
_call_target = types.ExternalFunction(
    "call_target", types.void(types.CPointer(types.int64), types.int64)
)


def launch_recursively(library, depth):
    """Launch in a slot of a launch in a slot, so deep; return whether each slot ran once."""
    recursion = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)

    @njit(parallel=True, nogil=True)
    def level(counts, pointer, left):
        for i in prange(WIDTH):
            counts[left, i] += 1
            if i == left % WIDTH and left > 0:
                _call_target(pointer, left - 1)

    @cfunc(types.void(types.CPointer(types.int64), types.int64))
    def begin(pointer, left):
        level(carray(pointer, (depth, WIDTH)), pointer, left)

    recursion.set_target(ctypes.c_void_p(begin.address))
    counts = np.zeros((depth, WIDTH), np.int64)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_long)(begin.address)
    for _ in range(10):
        function(counts.ctypes.data, depth - 1)
    return bool((counts == 10).all())
