"""Runs tests of public packages under several layers, with torch imported first.

Makes an environment with the package's wheel and the versions of constraints.txt. A package's tests
run in a process of their own for each layer; where a test ends it, the rest go on in another. What
Numba caches is shared by the layers, so that the first one compiles for all.
Ends in a table and in the tests that differ, and with an error if one fails here alone.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from projects import PROJECTS, Project

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "field"
PYTHON = WORK / "venv" / "bin" / "python"
CONSTRAINTS = ("-c", str(ROOT / "constraints.txt"), "-c", str(HERE / "constraints.txt"))
LAYERS = ("ompsafe", "omp", "workqueue")
# Of a single test; pytest then tells where all threads are, and ends.
SECONDS_OF_A_TEST = 300


@dataclass
class Outcome:
    """What became of a package's tests under a layer."""

    project: Project
    layer: str
    tests: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    ran_on: set[str] = field(default_factory=set)
    seconds: float = 0
    note: str = ""

    def count(self, outcome: str) -> int:
        return list(self.tests.values()).count(outcome)


def install(wheel: Path | None, projects: list[Project]) -> None:
    """Make the environment; build the wheel where none is given."""
    shutil.rmtree(WORK / "venv", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
    pip = [PYTHON, "-m", "pip"]
    if wheel is None:
        wheels = WORK / "wheel"
        shutil.rmtree(wheels, ignore_errors=True)
        build = ["wheel", "--no-deps", "-C", f"build-dir={WORK / 'build'}", "-w", wheels, ROOT]
        subprocess.run([*pip, *build], check=True)
        (wheel,) = wheels.glob("*.whl")
    needed = {name for project in projects for name in (project.name, *project.needs)}
    packages = [wheel, "torch", "scikit-learn", "pytest", *sorted(needed)]
    subprocess.run([*pip, "install", *CONSTRAINTS, *packages], check=True)


def version(name: str) -> str:
    """Return the version of a package in the environment."""
    code = f"import importlib.metadata; print(importlib.metadata.version({name!r}))"
    return subprocess.run(
        [PYTHON, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def folder_of_tests(project: Project) -> Path:
    """Return where the tests are: in the package's sdist, which is unpacked, or in examples/."""
    if not project.has_tests:
        return HERE / "examples"
    folder = WORK / "sdists" / project.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "pytest.ini").touch()  # for an sdist without settings: not the checkout's
    get = ["download", "--no-deps", "--no-binary", project.name, "-d", folder]
    required = f"{project.name}=={version(project.name)}"
    subprocess.run([PYTHON, "-m", "pip", *get, required], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def run_once(
    command: list[str], folder: Path, environment: dict[str, str], limit: float
) -> int | None:
    """Run a process and return how it ended; nothing, if it had to be ended after the limit."""
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its workers, too
        process.wait()


def how_it_ended(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def why_it_ended(status: int) -> str:
    """Say the same of a test that was the last of its process."""
    if status == 1:
        return f"had not ended after {SECONDS_OF_A_TEST} s"
    return f"ended the process: {how_it_ended(status)}"


def read(records: Path, outcome: Outcome) -> str:
    """Take over what the plugin has written; return the test that has begun and not ended."""
    began = ""
    for line in records.read_text().splitlines():
        record = json.loads(line)
        if "layer" in record:
            outcome.ran_on.add(record["layer"])
            continue
        test = record["test"]
        began = test if record["outcome"] == "began" else ""
        # A test that has failed may fail again, or be skipped, as it is torn down.
        if outcome.tests.get(test) != "failed":
            outcome.tests[test] = record["outcome"]
        if record["outcome"] == "failed":
            outcome.reasons.setdefault(test, record["why"])
    return began


def test(project: Project, layer: str, folder: Path, limit: float) -> Outcome:
    """Run a package's tests under a layer, and tell what became of them."""
    outcome = Outcome(project, layer)
    work = WORK / "runs" / f"{project.name}-{layer}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    records = work / "records.jsonl"
    records.touch()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NUMBA_", "OMP_", "PYTEST_")) and name != "PYTHONPATH"
    }
    environment |= {
        "NUMBA_THREADING_LAYER": layer,
        "NUMBA_CACHE_DIR": str(WORK / "numba-cache" / project.name),
        "PYTHONPATH": str(HERE / "plugin"),
        "FIELD_RECORDS": str(records),
    }
    overrides = [
        "addopts=",  # coverage, mostly
        f"faulthandler_timeout={SECONDS_OF_A_TEST}",
        "faulthandler_exit_on_timeout=true",
    ]
    settings = [word for override in overrides for word in ("-o", override)]
    pytest = [str(PYTHON), "-m", "pytest", "-p", "torch_first", "-p", "no:cacheprovider", "-q"]
    begin = time.monotonic()
    while True:
        left = max(0, limit - (time.monotonic() - begin))
        status = run_once([*pytest, *settings, *project.tests], folder, environment, left)
        ender = read(records, outcome)
        if status is None:
            outcome.tests.pop(ender, None)
            outcome.note = f"not all ran in {limit:.0f} s"
            break
        if not ender:
            if status not in (0, 1, 5) or not outcome.tests:  # no failure, some, no test left
                outcome.note = f"no test ran, or not all: {how_it_ended(status)}"
            break
        outcome.tests[ender] = "failed"
        outcome.reasons[ender] = why_it_ended(status)
    outcome.seconds = time.monotonic() - begin
    return outcome


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table."""
    width = max(len(one.project.name) for one in outcomes) + 2
    head = f"{'package':{width}}{'version':10}{'layer':11}"
    lines = [head + f"{'passed':>7}{'failed':>8}{'skipped':>9}{'seconds':>9}"]
    for one in outcomes:
        ran_on = one.ran_on - {one.layer}
        notes = [one.note, f"ran on {', '.join(sorted(ran_on))}" if ran_on else ""]
        lines.append(
            f"{one.project.name:{width}}{version(one.project.name):10}{one.layer:11}"
            f"{one.count('passed'):7}{one.count('failed'):8}{one.count('skipped'):9}"
            f"{one.seconds:9.0f}  {' '.join(filter(None, notes))}".rstrip()
        )
    return "\n".join(lines)


def failures(outcomes: list[Outcome]) -> tuple[str, bool]:
    """Return what failed where, and whether something fails under the first layer alone."""
    lines = []
    worse = False
    for project in dict.fromkeys(one.project for one in outcomes):
        ours, *others = (one for one in outcomes if one.project is project)
        tests = dict.fromkeys(test for one in (ours, *others) for test in one.tests)
        for name in tests:
            failed = [one for one in (ours, *others) if one.tests.get(name) == "failed"]
            if not failed:
                continue
            where = ", ".join(one.layer for one in failed)
            everywhere = len(failed) == len(others) + 1
            lines.append(f"{project.name}: {name}: {'all' if everywhere else where}")
            lines += [f"    {why}" for why in {one.reasons[name]: 0 for one in failed}]
            worse |= ours in failed and any(one.tests.get(name) == "passed" for one in others)
    return "\n".join(lines), worse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [project.name for project in PROJECTS]
    parser.add_argument("projects", nargs="*", help=f"of {', '.join(names)}; all if none is named")
    parser.add_argument("--layers", default=",".join(LAYERS), help="by commas; the first is judged")
    parser.add_argument("--wheel", type=Path, help="to test, in place of one that is built here")
    parser.add_argument("--limit", type=float, default=600, help="seconds of a package and layer")
    parser.add_argument("--keep", action="store_true", help="the environment, and Numba's cache")
    options = parser.parse_args()
    if unknown := set(options.projects) - set(names):
        parser.error(f"no package {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    projects = [one for one in PROJECTS if not options.projects or one.name in options.projects]

    if not options.keep:
        shutil.rmtree(WORK / "numba-cache", ignore_errors=True)
        install(options.wheel and options.wheel.absolute(), projects)
    layers = options.layers.split(",")
    outcomes = []
    for project in projects:
        folder = folder_of_tests(project)
        for layer in layers:
            print(f"--- {project.name} under {layer}", flush=True)
            outcomes.append(test(project, layer, folder, options.limit))
    print(table(outcomes))
    failed, worse = failures(outcomes)
    print(f"\nFailed:\n{failed}" if failed else "\nNothing failed.")
    return 1 if worse or any(one.note for one in outcomes if one.layer == layers[0]) else 0


if __name__ == "__main__":
    sys.exit(main())
