"""Interpreters that end while slots of launches want the GIL: in object mode.

Each is that of a child, forked from a process that launches nothing; see process_ends.
"""

import sys
import threading
import time

import numba
import numpy as np
import process_ends
from numba import njit, objmode, prange
from slot_exits import SLOTS


@njit(nogil=True)
def _wants_the_gil(i):
    with objmode(j="int64"):
        j = i + 1
        time.sleep(0.0001)
    return j


@njit("int64[::1](int64)", parallel=True, nogil=True)
def launch(n):
    out = np.zeros(n, np.int64)
    for i in prange(n):
        out[i] = _wants_the_gil(i)
    return out


@njit("int64[::1](int64, int64)", parallel=True, nogil=True)
def _launch_inside(rows, n):
    out = np.zeros(rows, np.int64)
    for i in prange(rows):
        out[i] = launch(n).sum()
    return out


def _daemons(*works):
    def for_ever(work):
        while True:
            work()

    for work in works:
        threading.Thread(target=for_ever, args=(work,), daemon=True).start()


class _AtTheEnd:
    """Launches once only the main thread gets the GIL, and lets the process end as it wants."""

    def __init__(self, n, launch=launch):
        self._launch = lambda: [launch(n) for _ in range(20)]

    def __del__(self):
        self._launch()


def _while_daemons(path):
    n = SLOTS[path]

    def end():
        numba.set_num_threads(n)
        launch(n)
        _daemons(*[lambda: launch(n)] * (1 if path == "region" else 3))

    return end


def _while_daemons_nest():
    _daemons(lambda: _launch_inside(2, 4), lambda: launch(4))


def _by_the_main_thread(path):
    def end():
        numba.set_num_threads(SLOTS[path])
        launch(SLOTS[path])
        sys.modules["at the end"] = _AtTheEnd(SLOTS[path])

    return end


BEGIN = {
    "daemons, regions": _while_daemons("region"),
    "daemons, shared": _while_daemons("shared"),
    "daemons, nested": _while_daemons_nest,
}
# From Python 3.14 on, a thread that wants the GIL then waits for ever, and the main one for it.
if sys.version_info < (3, 14):
    BEGIN |= {
        "main thread, regions": _by_the_main_thread("region"),
        "main thread, shared": _by_the_main_thread("shared"),
    }


def _end(begin, i):
    begin()
    time.sleep(0.003 * (i % 7))
    sys.exit(7)


def run(times):
    """Return the statuses of children that end so, so many of each kind."""
    return {
        name: sorted(
            {process_ends.status(lambda i=i, begin=begin: _end(begin, i)) for i in range(times)}
        )
        for name, begin in BEGIN.items()
    }
