"""Processes that are measured side by side run one at a time, in turns of a fraction of a second.

What the machine does for seconds, for others or to save power, meets all of them then, so that the
ratio of their times holds where a time does not. A process gives its turn away between two parts of
a measurement (``timing.py``) and goes on when the suite says so.
"""

import signal
import sys
from collections.abc import Sequence
from os import kill

OVER = "turn over"

_in_suite = False
_paused_meanwhile: list[int] = []


def take_them() -> None:
    """Say that the suite has started this process, and gives it turns."""
    global _in_suite
    _in_suite = True


def next_turn() -> None:
    """Give the turn away, and return when the next one begins. Nothing outside of the suite."""
    if not _in_suite:
        return
    for process in _paused_meanwhile:
        kill(process, signal.SIGSTOP)
    print(OVER, flush=True)
    if not sys.stdin.readline():
        raise SystemExit("the suite has ended")
    for process in _paused_meanwhile:
        kill(process, signal.SIGCONT)


def pause_meanwhile(processes: Sequence[int]) -> None:
    """Stop these processes, by their ids, between the turns of this one, and no others."""
    _paused_meanwhile[:] = processes
