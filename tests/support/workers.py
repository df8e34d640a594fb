"""What a worker process sees of the others of its launcher.

Usage: python workers.py FOLDER N, for N processes that have FOLDER in common.
"""

import ctypes
import json
import os
import sys
import time
from pathlib import Path

SECONDS = 60


def wait_for(folder, stage, n):
    """Say that this process is at a stage, and wait until n processes are."""
    Path(folder, f"{stage}-{os.getpid()}").touch()
    deadline = time.monotonic() + SECONDS
    while len(list(Path(folder).glob(f"{stage}-*"))) < n:
        assert time.monotonic() < deadline, f"too few processes are {stage}"
        time.sleep(0.01)


def neighbours():
    """Return the ids and counts of this process's neighbours."""
    from numba_ompsafe._report.facts import neighbours

    return [[neighbour.pid, neighbour.num_threads] for neighbour in neighbours.find()]


def see(folder, n, runtime=True, look=neighbours):
    """Meet n - 1 others; return this process's id and what it sees.

    All have loaded a runtime by then, if they are to, and none ends before all have looked.
    """
    if runtime:
        ctypes.CDLL("libgomp.so.1")
    wait_for(folder, "loaded", n)
    seen = look()
    wait_for(folder, "seen", n)
    return [os.getpid(), seen]


if __name__ == "__main__":
    # In one piece: ranks of torchrun, which runs python -u, share a pipe.
    sys.stdout.write(json.dumps(see(sys.argv[1], int(sys.argv[2]))) + "\n")
