"""Runs code that forks, again and again: in one process, or in some whose first fork is to matter.

The code finds all of tests/support/forks.py.
"""

import os
import textwrap
from typing import Any

from harness.processes import run_python

# How often a test of forks forks, or some times as often.
RUNS = int(os.environ.get("TESTS_FORK_RUNS", "10"))

# Python that makes a context manager: what goes on meanwhile, once all libraries are loaded.
BESIDE = os.environ.get("TESTS_FORK_BESIDE", "nullcontext()")

# From 3.12 on, Python itself warns of every fork of a process with several threads.
OPTIONS = ("-W", "ignore:This process:DeprecationWarning")


def run(
    code: str, *, layer: str | None = "ompsafe", timeout: float = 120 + 4 * RUNS, **env: str
) -> Any:
    """Run ``code`` where OpenMP has four threads."""
    return run_python(
        "import json, os, sys, threading\n"
        "from contextlib import nullcontext\nfrom forks import *\n" + code,
        {"OMP_NUM_THREADS": "4"} | env,
        options=OPTIONS,
        layer=layer,
        timeout=timeout,
    )


def run_again_and_again(
    case: str, *, before: str, runs: int = RUNS, beside: str = BESIDE, **env: str
) -> None:
    """Run ``case`` in one process, after ``before`` and beside ``beside``."""
    lines = textwrap.indent(case.strip(), "    " * 2)
    run(f"{before}\nwith {beside}:\n    for _ in range({runs}):\n{lines}", **env)


def run_in_fresh_processes(case: str, *, before: str = "") -> None:
    """Run ``case``, whose first fork in a process is one of its own kind, in four processes.

    Not in more: torch takes seconds to be imported where it comes with CUDA.
    """
    processes = min(RUNS, 4)
    for _ in range(processes):
        run_again_and_again(case, before=before, runs=RUNS // processes, beside="nullcontext()")
