"""Runs code in a process in which calls of the C library can be made to fail."""

import os
from collections.abc import Mapping
from typing import Any

from harness.c_libraries import built
from harness.processes import results_of

# How often a process ends in a way that depends on what its threads do just then.
RUNS = int(os.environ.get("TESTS_FAULTS_RUNS", "3"))

# How many of the calls of a case fail at most (tests/support/faults.py), each time in two children.
_CALLS = int(os.environ.get("TESTS_FAULTS_CALLS", "3"))


def run(code: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
    """Run ``code``, which finds all of tests/support/faults.py; return what is in ``results``."""
    variables = dict(env or {})
    preloaded = [str(built("shim")), variables.get("LD_PRELOAD", "")]
    variables["LD_PRELOAD"] = ":".join(filter(None, preloaded))
    code = "from faults import *\n" + code
    return results_of(code, variables, timeout=120 + 5 * _CALLS, **options)
