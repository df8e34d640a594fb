"""Launches from threads of C++, in a program that has no Python (tests/native)."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.commands import execute
from harness.processes import ROOT

SECONDS = os.environ.get("TESTS_NATIVE_SECONDS", "5")


@pytest.fixture(scope="module")
def native() -> Path:
    """Build the program, once for all workers of pytest-xdist."""
    build = ROOT / "build" / "native"
    build.mkdir(parents=True, exist_ok=True)
    configure = ["-G", "Ninja", "-S", ROOT, "-B", build, "-DCMAKE_BUILD_TYPE=Debug"]
    options = ["-DNUMBA_OMPSAFE_NATIVE_TESTS=ON", f"-DPython_EXECUTABLE={sys.executable}"]
    targets = ["--target", "native_tests", "schedule_fuzz"]
    with (build / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for arguments in ([*configure, *options], ["--build", build, *targets]):
            subprocess.run(["cmake", *arguments], check=True, timeout=200)
    return build / "tests" / "native"


@pytest.mark.parametrize(
    ("runtime", "other"), [("libgomp.so.1", "libomp.so.5"), ("libomp.so.5", "libgomp.so.1")]
)
def test_p5_p6_random_programs_of_threads_get_what_they_are_promised(
    native: Path, runtime: str, other: str
) -> None:
    options = ["--runtime", runtime, "--other-runtime", other, "--seconds", SECONDS]
    ended = execute([str(native / "native_tests"), *options])
    assert (ended.returncode, ended.stderr) == (0, "")


def test_p5_the_schedule_is_numbas_up_to_the_ends_of_the_indices(native: Path) -> None:
    program = [sys.executable, str(ROOT / "tests" / "fuzz_schedule.py")]
    options = [str(native / "libschedule_fuzz.so"), "--inputs", "20000"]
    ended = execute([*program, *options])
    assert (ended.returncode, ended.stderr) == (0, "")
