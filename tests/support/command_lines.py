"""Runs ``numba-ompsafe`` in a fork with command lines that nobody would type, and some would."""

import os
import sys
import tempfile

from bad_variables import anything, of_every  # noqa: F401
from forks import in_child
from hypothesis import strategies as st

from numba_ompsafe._command import main
from numba_ompsafe._report.record import CODES

words = st.sampled_from(
    ["report", "check", "--help", "-h", "--version", "--json", "--", "-", "--pid=1", "--imp", "-m"]
)
pids = st.sampled_from(
    [
        "0",
        "-1",
        "+1",
        "00",
        "1",
        "2",
        "x",
        "1.0",
        "1_0",
        "0x1",
        "٣",
        "²",
        "self",
        "4194304",
        "2147483648",
        "18446744073709551616",
        " 1",
        "9" * 5000,
        str(os.getpid()),
        str(os.getppid()),
    ]
)
modules = st.sampled_from(
    [
        "json",
        "json,os",
        ",",
        "json,",
        "no_such",
        "json.no_such",
        "a/b",
        "../json",
        "1a",
        ".json",
        "this",
        "raises",
        "ends",
        "speaks",
        "",
        "json os",
        "é",
        "None",
        "__main__",
        "x" * 5000,
    ]
)
codes = st.sampled_from([*CODES, "", "two", "two-runtimes,omp-overwrites", "TWO-RUNTIMES"])
severities = st.sampled_from(["severe", "moderate", "", "Severe", "all"])
options = st.one_of(
    st.tuples(st.just("--pid"), pids | anything),
    st.tuples(st.just("--import"), modules | anything),
    st.tuples(st.just("--ignore"), codes | anything),
    st.tuples(st.just("--severity"), severities | anything),
    st.tuples(words | anything),
)
lines = st.tuples(
    st.sampled_from(["report", "check"]) | words | anything, st.lists(options, max_size=3)
).map(lambda line: [line[0], *(word for option in line[1] for word in option)])


def end(line):
    """Return the exit status, and what was written to standard output and error."""
    return in_child(lambda: _end(line))


def _end(line):
    files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115  # the child's last act
    for descriptor, file in zip((1, 2), files, strict=True):
        os.dup2(file.fileno(), descriptor)
    sys.stdout = os.fdopen(1, "w", closefd=False, errors="strict")
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")
    try:
        status = main(line)
    except SystemExit as ending:
        status = ending.code
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    written = []
    for file in files:
        file.seek(0)
        written.append(file.read().decode())
    return [status, *written]
