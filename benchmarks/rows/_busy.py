"""Processes that compute without an end, beside what is measured."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.turns import pause_meanwhile

# Looks for its parent after every few milliseconds: it is not to outlive one that was killed.
PROGRAM = """
import os
parent = {parent}
print(flush=True)
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextmanager
def busy_processes(count: int) -> Iterator[list[int]]:
    """Have so many processes compute during this one's turns, from now on. Gives their ids.

    They belong to this session, as a scheduler may share the cores among sessions first.
    """
    with ExitStack() as stack:
        processes = []
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", PROGRAM.format(parent=os.getpid())],
                stdout=subprocess.PIPE,
            )
            stack.callback(_end, process)
            processes.append(process)
        for process in processes:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError("a busy process did not begin")
        ids = [process.pid for process in processes]
        pause_meanwhile(ids)
        stack.callback(pause_meanwhile, [])
        yield ids


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
