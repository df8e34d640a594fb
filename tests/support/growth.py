"""What a process holds, and what of it grows for as long as something is done again and again."""

import ctypes
import gc
import os
import resource
from itertools import pairwise
from pathlib import Path

WINDOWS = 5


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    ]


_mallinfo2 = ctypes.CDLL(None).mallinfo2
_mallinfo2.restype = _Mallinfo2


def held():
    """Return what this process holds. With PYTHONMALLOC=malloc, Python's objects are in it."""
    gc.collect()
    memory = _mallinfo2()
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "bytes in use": memory.uordblks + memory.hblkhd,
        "bytes resident": resident * resource.getpagesize(),
        "mappings": Path("/proc/self/maps").read_text().count("\n"),
        "threads": len(os.listdir("/proc/self/task")),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def growth(looks, turns, others_bytes=1):
    """Return what has grown from each look to the next one, by more than chance explains.

    There are ``turns`` turns between two looks. Memory that is in use is counted to the byte; a
    turn may leave ``others_bytes``, which are the system's. What is resident tells of memory that
    is not the allocator's, whole pages of it; these come and go.
    """
    noise = {"bytes in use": max(turns * others_bytes, 1024), "bytes resident": 256 * 1024}
    grown = {
        what: [after[what] - before[what] for before, after in pairwise(looks)] for what in looks[0]
    }
    return {what: by for what, by in grown.items() if min(by) > noise.get(what, 0)}


def of(turn, turns, others_bytes=1):
    """Do turn() so often, and before that a fifth as often to warm up; return what has grown."""
    in_window = turns // WINDOWS
    looks = []
    for _ in range(1 + WINDOWS):
        for _ in range(in_window):
            turn()
        looks.append(held())
    return growth(looks, in_window, others_bytes)
