"""Builds the C libraries of the tests, tests/faults/*.c, once for each process that runs tests."""

import functools
import subprocess
import tempfile
from pathlib import Path

from harness.processes import ROOT


@functools.cache
def built(name: str) -> Path:
    """Return the library built from the C file of that name."""
    library = Path(_folder().name, f"{name}.so")
    source = ROOT / "tests" / "faults" / f"{name}.c"
    command = ["cc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([*command, "-o", library, source, "-ldl", "-pthread"], check=True, timeout=60)
    return library


@functools.cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder that goes with this process."""
    return tempfile.TemporaryDirectory(prefix="numba-ompsafe-faults-")
