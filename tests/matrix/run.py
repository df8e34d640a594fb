"""Tests the package on every Python, with the oldest Numba that it has there and the newest.

The Pythons that this machine lacks are those of a folder with Debian sid (``sid.sh``), and the
runtimes are newer there, too: so the rows are of two systems. The package is built once, by 3.11.
Ends in a table, and with an error if a row failed or could not be had.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
WORK = Path("build", "matrix")
SID = ROOT / "tests" / "matrix" / "sid.sh"


@dataclass(frozen=True)
class Row:
    """A Python, the Numba and the NumPy on it, and what else is installed."""

    python: str
    numba: str
    numpy: str
    others: tuple[str, ...] = ()
    in_sid: bool = False

    @property
    def name(self) -> str:
        """What the row is called, in the table and in its folder's name."""
        return f"{self.python}-numba-{self.numba}"

    @property
    def packages(self) -> tuple[str, ...]:
        """What pip is to install beside the package."""
        return (f"numba=={self.numba}", f"numpy=={self.numpy}", *self.others)


# The other builds of torch come with gigabytes. Tests with torch use scikit-learn's runtime, too.
TORCH = ("torch==2.13.0", "scikit-learn")
ROWS = (
    Row("3.11", "0.61.0", "1.24.4", TORCH),
    Row("3.11", "0.68.1", "2.4.6", TORCH),
    Row("3.12", "0.61.0", "1.26.4"),
    Row("3.12", "0.68.1", "2.4.6"),
    Row("3.13", "0.61.0", "2.1.3"),
    Row("3.13", "0.68.1", "2.4.6"),
    Row("3.14", "0.63.0", "2.3.5", in_sid=True),
    Row("3.14", "0.68.1", "2.4.6", in_sid=True),
    Row("3.15", "0.68.1", "2.5.5", in_sid=True),
)

# Those of the promises that depend on Python, on Numba or on the runtime, and take no optional
# package. On two processes, so that no row asks for more than the smallest machine has, and a file
# on one of them: two that compile and cache one gufunc at the same time spoil Numba's cache.
TESTS = [
    "--numprocesses=2",
    "--dist=loadfile",
    *(
        f"tests/test_{name}.py"
        for name in (
            "neutral",
            "follows",
            "slots",
            "schedule",
            "loops_of_ufuncs",
            "fork_from_any_thread",
            "fork_before_and_while_starting",
            "fork_inherits",
            "fork_costs",
            "worker_processes",
            "not_in_the_way",
            "selection",
            "threads_block",
            "clear_mask",
            "run",
        )
    ),
]


class MatrixError(Exception):
    """A row could not be run; the message says why."""


@dataclass
class Outcome:
    """What became of a row."""

    row: Row
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether the row was tested, and nothing failed."""
        return self.passed > 0 and not self.failed and not self.note


def interpreter(version: str) -> str:
    """Return a command of this machine's that is this Python.

    A command of pyenv's says so only when it is run, and its Pythons are elsewhere.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for command in (
        shutil.which(f"python{version}"),
        *sorted(pyenv.glob(f"{version}.*/bin/python{version}")),
    ):
        if command and subprocess.run([command, "-c", ""], capture_output=True).returncode == 0:
            return str(command)
    raise MatrixError(f"python{version} is not installed")


def enter(sid: Path, python: str) -> list[str]:
    """Return the beginning of a command line that runs a file on a Python of sid's."""
    return ["bash", str(SID), "run", str(sid), f"python{python}"]


def build(python: list[str], name: str) -> Path:
    """Build the package's wheel; return it, as seen from the root of the checkout."""
    folder = WORK / "wheels" / name
    for old in (ROOT / folder).glob("*.whl"):
        old.unlink()
    code = (
        "import subprocess, sys, venv\n"
        f"venv.create({str(folder / 'venv')!r}, with_pip=True)\n"
        f"pip = [{str(folder / 'venv/bin/python')!r}, '-m', 'pip', '-q']\n"
        f"wheel = ['wheel', '--no-deps', '-w', {str(folder)!r}, '.']\n"
        f"build = ['-C', {'build-dir=' + str(folder / 'build')!r}]\n"
        "sys.exit(subprocess.run(pip + wheel + build).returncode)"
    )
    if subprocess.run([*python, "-c", code], cwd=ROOT, check=False).returncode:
        raise MatrixError(f"no wheel can be built by {name}: see above")
    (wheel,) = (ROOT / folder).glob("*.whl")
    return wheel.relative_to(ROOT)


def check_names(wheel: Path) -> None:
    """Fail unless the names say that any Python from 3.11 on may have the wheel."""
    with ZipFile(ROOT / wheel) as files:
        extensions = [name for name in files.namelist() if name.endswith(".so")]
    if extensions != ["numba_ompsafe/_core.abi3.so"] or "-cp311-abi3-" not in wheel.name:
        raise MatrixError(f"{wheel.name} holds {extensions}, which not every Python finds")


def make_sid(folder: Path, python: str) -> str:
    """Make the folder of sid and build there; return what is wrong with that, if anything is."""
    if subprocess.run(["bash", str(SID), "make", str(folder)], check=False).returncode:
        return "no Debian sid: see above"
    try:
        check_names(build(enter(folder, python), python))
    except MatrixError as error:
        return str(error)
    return ""


def test(row: Row, wheel: Path, sid: Path, tests: list[str]) -> Outcome:
    """Test a row; tell what became of it."""
    outcome = Outcome(row)
    folder = WORK / row.name
    results = ROOT / folder / "results.xml"
    results.unlink(missing_ok=True)
    begin = time.monotonic()
    try:
        python = enter(sid, row.python) if row.in_sid else [interpreter(row.python)]
        begin_of_row = [*python, "tests/matrix/row.py", str(folder), str(wheel), *row.packages]
        subprocess.run([*begin_of_row, "--tests", *tests], cwd=ROOT, check=False)
        suite = ElementTree.parse(results).getroot().find("testsuite")
        assert suite is not None
        total, outcome.skipped, failures, errors = (
            int(suite.attrib[name]) for name in ("tests", "skipped", "failures", "errors")
        )
        outcome.failed = failures + errors
        outcome.passed = total - outcome.failed - outcome.skipped
    except MatrixError as error:
        outcome.note = str(error)
    except FileNotFoundError:
        outcome.note = "not tested: see above"
    outcome.seconds = time.monotonic() - begin
    return outcome


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table."""
    head = f"{'Python':8}{'Numba':9}{'NumPy':8}{'system':8}{'torch':7}"
    lines = [head + f"{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}"]
    for one in outcomes:
        row = one.row
        lines.append(
            f"{row.python:8}{row.numba:9}{row.numpy:8}{'sid' if row.in_sid else 'here':8}"
            f"{'yes' if row.others else 'no':7}"
            f"{one.passed:8}{one.failed:8}{one.skipped:9}{one.seconds:9.0f}  {one.note}".rstrip()
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="how rows' names begin, as 3.14 or 3.11-numba-0.61")
    parser.add_argument("--sid", type=Path, default=ROOT / WORK / "sid", help="the folder of sid")
    parser.add_argument("--wheel", type=Path, help="to test, in place of one that is built here")
    parser.add_argument("--tests", default=" ".join(TESTS), help="files and options of pytest")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.rows or row.name.startswith(tuple(options.rows))]
    if not rows:
        parser.error(f"no such row; there are {', '.join(row.name for row in ROWS)}")

    try:
        wheel = options.wheel or build([interpreter("3.11")], "3.11")
        check_names(wheel)
    except MatrixError as error:
        parser.exit(1, f"{error}\n")
    of_sid = [row for row in rows if row.in_sid]
    wrong_with_sid = make_sid(options.sid, of_sid[-1].python) if of_sid else ""

    outcomes = [
        Outcome(row, note=wrong_with_sid)
        if row.in_sid and wrong_with_sid
        else test(row, wheel, options.sid, options.tests.split())
        for row in rows
    ]
    print(table(outcomes))
    return 0 if all(one.good for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
