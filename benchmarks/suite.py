"""Runs rows under layers: each in a process of its own, in turns, several rounds."""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import rows
from benchmarks.figures import LIMIT, Options, Setting
from benchmarks.layers import environment

TIMEOUT_SECONDS = 300
PACKAGES = ("numba-ompsafe", "numba", "llvmlite", "numpy", "torch", "tbb")


@dataclass(frozen=True)
class Task:
    """One process to run."""

    row: str
    setting: Setting
    layer: str


@dataclass
class Results:
    """What a run of the suite measured: for each row, case and layer, a value per round."""

    machine: dict[str, str]
    rounds: int
    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)
    # NUMBA_NUM_THREADS, where it was set for what was measured.
    numba_threads: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def cases(self, row: str) -> list[str]:
        """Return the row's cases, in the order in which they were measured."""
        return list(dict.fromkeys(case for name, case, _ in self.values if name == row))

    @classmethod
    def read(cls, files: Iterable[Path]) -> "Results":
        """Return what earlier runs wrote as JSON, their rounds one after the other."""
        results = cls({}, 0)
        for file in files:
            run = json.loads(file.read_text())
            results.machine = run["machine"]
            results.rounds += run["rounds"]
            for figure in run["figures"]:
                key = figure["row"], figure["case"], figure["layer"]
                results.values.setdefault(key, []).extend(figure["values"])
                if figure.get("NUMBA_NUM_THREADS"):
                    results.numba_threads[key] = figure["NUMBA_NUM_THREADS"]
            for failure in run["failures"]:
                key = failure["row"], failure["case"], failure["layer"]
                results.failures[key] = failure["reason"]
        return results

    def to_json(self) -> str:
        """Return all of it as JSON."""
        keys = ("row", "case", "layer")
        return json.dumps(
            {
                "machine": self.machine,
                "rounds": self.rounds,
                "figures": [
                    dict(zip(keys, key, strict=True))
                    | {
                        "NUMBA_NUM_THREADS": self.numba_threads.get(key),
                        "unit": rows.load(key[0]).UNIT,
                        "values": values,
                    }
                    for key, values in self.values.items()
                ],
                "failures": [
                    dict(zip(keys, key, strict=True), reason=reason)
                    for key, reason in self.failures.items()
                ],
            },
            indent=1,
        )


def tasks(names: Sequence[str], layers: Sequence[str], options: Options, rounds: int) -> list[Task]:
    """Return all processes in the order in which they are run: the layers take turns."""
    return [
        Task(name, setting, layer)
        for turn in range(rounds)
        for name in names
        for setting in rows.load(name).settings(options)
        for layer in _rotated([*layers, *_limit_of(name)], turn)
    ]


def run(task: Task, options: Options, results: Results) -> None:
    """Run one process and add its figures; why it failed, if it did."""
    request = json.dumps(asdict(task) | {"options": asdict(options)})
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.worker", request],
        env=environment(task.layer, task.setting),
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        reason = _why(process.returncode, err)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        reason = f"no end after {TIMEOUT_SECONDS} s"
    for line in out.splitlines():
        figure = json.loads(line)
        key = task.row, figure["case"], figure["layer"] or task.layer
        results.values.setdefault(key, []).append(figure["value"])
        if task.setting.numba_threads:
            results.numba_threads[key] = task.setting.numba_threads
    if reason:
        results.failures[task.row, task.setting.case, task.layer] = reason


def machine() -> dict[str, str]:
    """Return what a reader must know of the machine."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": platform.platform(),
        "python": platform.python_version(),
    } | {name: found for name in PACKAGES if (found := _version(name))}


def _limit_of(name: str) -> list[str]:
    return [LIMIT] if hasattr(rows.load(name), "limit") else []


def _rotated(layers: list[str], turn: int) -> Iterator[str]:
    for i in range(len(layers)):
        yield layers[(i + turn) % len(layers)]


def _why(status: int, err: str) -> str:
    if status == 0:
        return ""
    said = [line.strip() for line in err.splitlines() if line.strip()]
    ended = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return f"{ended}: {said[-1]}" if said else ended


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
