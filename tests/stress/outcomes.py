"""Runs a program in a process of its own, and says how that ended."""

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from harness.processes import clean_environment

from stress.programs import Program

TESTS = Path(__file__).parents[1]
SECONDS = 120  # a program takes some
MOST_BYTES = 100_000_000  # of what a program that never ends may say


@dataclass(frozen=True)
class Outcome:
    """How a program ended."""

    failure: str  # "" if it has not failed
    done: dict[str, int]


def outcome_of(program: Program, seconds: float = SECONDS) -> Outcome:
    """Run it. What is printed on stderr is a failure, and a signal, and no end in time."""
    environment = clean_environment(**program.environment(), NUMBA_THREADING_LAYER="ompsafe")
    environment["PYTHONPATH"] += os.pathsep + str(TESTS)
    # Of Python's against forks beside threads, of torch's for workers on one core, and of Intel's
    # fork handler beside regions.
    environment["PYTHONWARNINGS"] = (
        "ignore::DeprecationWarning,ignore::UserWarning:torch.utils.data.dataloader"
    )
    environment["KMP_WARNINGS"] = "0"
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "stress.run", program.to_json()],
            env=environment,
            cwd=TESTS / "support",
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=_limit_files,
        )
        late = ""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            late = f"no end after {seconds} s\n"
        with suppress(ProcessLookupError):
            # What is left of its children, too.
            os.killpg(process.pid, signal.SIGABRT)
        process.wait()
        said, wrong = (file.seek(0) or file.read(MOST_BYTES) for file in (out, err))
    last = said.splitlines()[-1:]
    if late or process.returncode or wrong.strip():
        what = f"{late}exit status {process.returncode} after\n{last}\n{wrong[:20_000]}"
        return Outcome(what, {})
    return Outcome("", json.loads(*last))


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))
