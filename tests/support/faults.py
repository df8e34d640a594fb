"""Has calls of the C library's functions fail (tests/faults/shim.c), here or in children.

A case is run once for each call that it makes: in a child that this process forks, where that call
fails, or that one and all after it. So what a case needs is imported and compiled before.
"""

import ctypes
import errno
import os
import time

import forks

# The calls of the layer's own, and of whoever makes some.
LAYER, ANYBODY = "/_core.abi3", ""
# Longer than the layer remembers what it was refused.
REMEMBERED = 0.15
# How many of the calls of a case fail, two or more, each in a child of its own.
CALLS = max(2, int(os.environ.get("TESTS_FAULTS_CALLS", "5")))
_NEVER = 1 << 40

_shim = ctypes.CDLL(None)


class Failing:
    """Calls fail for the length of a ``with``, from the first to the last by their numbers.

    Args:
        function: what FAULTS_IN of the shim may say.
        first: the number of the first call that fails.
        last: that of the last one; None for all after the first.
        by: a part of the path of the library whose calls are meant.
        error: what they fail with.
    """

    def __init__(self, function, first=1, last=None, by=LAYER, error=errno.EAGAIN):
        self._said = {"IN": function, "FIRST": first, "LAST": last, "BY": by, "ERRNO": error}
        self.counted = self.failed = 0

    def __enter__(self):
        for name, value in self._said.items():
            if value is not None:
                os.environ[f"FAULTS_{name}"] = str(value)
        _shim.faults_begin()

    def __exit__(self, *exception):
        self.counted += _shim.faults_counted()
        self.failed += _shim.faults_failed()
        for name in self._said:
            os.environ.pop(f"FAULTS_{name}", None)
        _shim.faults_begin()


def at_each_call(case, function, *, only, by=LAYER, error=errno.EAGAIN):
    """Run ``case(failing)`` in a child for each call that it makes; return what they returned.

    Or for some of its calls, the first and the last among them, if it makes more than CALLS.

    Args:
        case: returns what JSON can hold; ``failing`` is for the part of it in which calls fail.
        function: what FAULTS_IN of the shim may say.
        only: whether a call fails alone, or all after it, too.
        by: a part of the path of the library whose calls are meant.
        error: what they fail with.

    Returns:
        A dict from the number of the call, and what a child returned in which none has failed.
    """

    def run(first, last):
        failing = Failing(function, first, last, by, error)
        return forks.in_child(lambda: [case(failing), failing.counted])

    undisturbed, calls = run(_NEVER, None)
    answers = {}
    for step in range(min(calls, CALLS)):
        call = calls if calls <= 1 else 1 + step * (calls - 1) // (min(calls, CALLS) - 1)
        try:
            answers[call], _ = run(call, call if only else None)
        except Exception as caught:
            raise AssertionError(f"where call {call} of {function} fails: {caught}") from caught
    return answers, undisturbed


def let_it_be_forgotten():
    """Wait until the layer tries again what it was refused."""
    time.sleep(REMEMBERED)
