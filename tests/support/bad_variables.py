"""What a process makes of values of its variables: a fork for each, before a first launch."""

import os
import sys
import tempfile

import numba
from forks import in_child
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numba.core import config

import numba_ompsafe

# What the process may be given: anything but a NUL.
anything = st.binary(max_size=12).map(lambda value: os.fsdecode(value.replace(b"\0", b"")))
edges = [
    str(sign * 2**bits + more)
    for sign in (1, -1)
    for bits in (22, 31, 32, 63, 64)
    for more in (-1, 0, 1)
]
spellings = [
    "0",
    "-0",
    "-1",
    "+1",
    " 2",
    "2 ",
    "2.0",
    "1e3",
    "0x2",
    "1_0",
    "\u0663",
    "9" * 5000,
    "",
]
numbers = st.sampled_from(edges + spellings)


def int_of(value):
    """Return the number that the value is for Python, 0 if none."""
    try:
        return int(value)
    except ValueError:
        return 0


def of_every(values, examples):
    """Make a function of a value run for so many of them, the same in every run."""

    def decorate(function):
        return settings(
            max_examples=examples,
            database=None,
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(values)(function))

    return decorate


def outcome(variables):
    """Return what a process that starts with the variables reports, and then does."""
    return in_child(lambda: _outcome(variables))


# What this takes is imported once, for all children.
numba_ompsafe.report()


def _outcome(variables):
    said = tempfile.TemporaryFile()  # noqa: SIM115  # for as long as the process lives
    os.dup2(said.fileno(), 2)
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")
    os.environ.update(variables)
    config.reload_config()
    found = {
        conflict.code: [conflict.severity, str(conflict)]
        for conflict in numba_ompsafe.report().conflicts
    }
    error, count, layer = None, None, None
    try:
        count = numba.get_num_threads()
        layer = numba.threading_layer()
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    sys.stderr.flush()
    said.seek(0)
    return {
        "conflicts": found,
        "error": error,
        "count": count,
        "layer": layer,
        "said": said.read().decode(errors="replace"),
    }
