"""The floor under every launch: an empty parallel region of the runtime that the layer runs on."""

import ctypes
from collections.abc import Callable

from numba import cfunc, njit, types

from numba_ompsafe import _core


@cfunc(types.void(types.voidptr))
def _nothing(_):
    pass


def empty_regions(team: int) -> Callable[[int], None]:
    """Return a loop of so many empty regions of ``team`` threads."""
    parallel = ctypes.CDLL(_core.runtime_path()).GOMP_parallel
    parallel.argtypes = [ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint, ctypes.c_uint]
    parallel.restype = None
    body = _nothing.address

    @njit
    def again(times):
        for _ in range(times):
            parallel(body, 0, team, 0)

    again(1)
    return again
