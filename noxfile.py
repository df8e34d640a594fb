"""The checks that take longer than a change may wait: `nox -s NAME`, and `nox -l` tells the names.

Each makes a virtual environment of its own. What follows `--` goes to the program that it runs.
"""

import platform
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.sessions = []

TEN_MILLION = ("--inputs", "10000000")

# What forks, blocks, shares and nests.
TESTS_FOR_ASAN = [
    "tests/test_dear_teams.py",
    "tests/test_launches_share.py",
    "tests/test_launches_wait_for_nobody.py",
    "tests/test_schedule.py",
    "tests/test_slots.py",
    "tests/test_threads_block.py",
    *map(str, sorted(Path("tests").glob("test_fork_*.py"))),
]


def install(session: nox.Session) -> None:
    """Install the package with what the tests use, as CI does."""
    session.install(".[torch,test]", "-c", "constraints.txt")


@nox.session
def fuzz_readers(session: nox.Session) -> None:
    """Damage what reports read, ELF files and /proc: 5,000 times, or TESTS_DAMAGES."""
    install(session)
    env = {"TESTS_DAMAGES": session.env.get("TESTS_DAMAGES") or "5000"}
    session.run(
        "pytest", "-o", "timeout=3600", "tests/test_damaged_files.py", *session.posargs, env=env
    )
