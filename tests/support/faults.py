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
CALLS = max(2, int(os.environ.get("TESTS_FAULTS_CALLS", "3")))
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


def at_each_call(case, function, *, by=LAYER, error=errno.EAGAIN):
    """Run ``case(failing)`` in children in which a call fails; return what they returned.

    It is each call that the case makes, or some, the first and the last among them, if there are
    more than CALLS: once that call alone, and once all after it, too.

    Args:
        case: returns what JSON can hold; ``failing`` is for the part of it in which calls fail.
        function: what FAULTS_IN of the shim may say.
        by: a part of the path of the library whose calls are meant.
        error: what they fail with.

    Returns:
        A dict by the calls that fail, and what a child returned in which none has failed.
    """

    def run(first, last=None):
        failing = Failing(function, first, last, by, error)
        return forks.in_child(lambda: [case(failing), failing.counted])

    undisturbed, calls = run(_NEVER)
    answers = {}
    for first in _some(calls):
        for words, last in ((f"{function} {first}", first), (f"{function} {first} and on", None)):
            try:
                answers[words], _ = run(first, last)
            except Exception as caught:
                raise AssertionError(f"where {words} fails: {caught}") from caught
    return answers, undisturbed


def _some(calls):
    """Return the numbers of some calls."""
    steps = min(calls, CALLS) - 1
    return [1 + step * (calls - 1) // steps for step in range(steps + 1)] if steps > 0 else [1]


def let_it_be_forgotten():
    """Wait until the layer tries again what it was refused."""
    time.sleep(REMEMBERED)
