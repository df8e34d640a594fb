"""Runs rows under layers: each in a process of its own, side by side in turns, several rounds."""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

from benchmarks import rows, turns
from benchmarks.figures import LIMIT, Options, Setting
from benchmarks.layers import environment

TIMEOUT_SECONDS = 300  # for a turn: the first one compiles
PACKAGES = ("numba-ompsafe", "numba", "llvmlite", "numpy", "torch", "tbb")


@dataclass(frozen=True)
class Task:
    """What is measured side by side: a process for each layer."""

    row: str
    setting: Setting
    layers: Sequence[str]


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
    """Return what to run, one after the other."""
    return [
        Task(name, setting, [*layers, *_limit_of(name)])
        for _ in range(rounds)
        for name in names
        for setting in rows.load(name).settings(options)
    ]


def run(task: Task, options: Options, results: Results) -> None:
    """Run the processes in turns and add their figures; why one failed, if it did.

    Each time in another order: who follows a process that left a core idle has that one asleep.
    """
    order = Random(0)
    waiting = [_Process(task, layer, options, results) for layer in task.layers]
    while waiting:
        order.shuffle(waiting)
        waiting = [process for process in waiting if process.runs_a_turn()]


class _Process:
    """A process that measures one layer. It is started in its first turn."""

    def __init__(self, task: Task, layer: str, options: Options, results: Results) -> None:
        self.task, self.layer, self.options, self.results = task, layer, options, results
        self.process: subprocess.Popen[str] | None = None
        self.is_late = False
        self.errors = TemporaryFile("w+")  # noqa: SIM115 # closed where the process has ended

    def runs_a_turn(self) -> bool:
        """Give it a turn, and add what it has measured; False if it has ended."""
        if self.process is None:
            self.process = self._start()
        else:
            self._say_go(self.process)
        timeout = Timer(TIMEOUT_SECONDS, self._kill, (self.process.pid,))
        timeout.start()
        try:
            for line in self.process.stdout or ():
                if line.strip() == turns.OVER:
                    return True
                self._add(json.loads(line))
            self._ended(self.process.wait())
        finally:
            timeout.cancel()
        return False

    def _start(self) -> subprocess.Popen[str]:
        setting = asdict(self.task.setting)
        asked = {"row": self.task.row, "layer": self.layer, "setting": setting}
        request = json.dumps(asked | {"options": asdict(self.options)})
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", request],
            env=environment(self.layer, self.task.setting),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def _say_go(process: subprocess.Popen[str]) -> None:
        with suppress(BrokenPipeError):  # it has ended between its turns
            if process.stdin:
                process.stdin.write("\n")
                process.stdin.flush()

    def _add(self, figure: dict[str, Any]) -> None:
        key = self.task.row, figure["case"], figure["layer"] or self.layer
        self.results.values.setdefault(key, []).append(figure["value"])
        if self.task.setting.numba_threads:
            self.results.numba_threads[key] = self.task.setting.numba_threads

    def _kill(self, session: int) -> None:
        self.is_late = True
        os.killpg(session, signal.SIGKILL)

    def _ended(self, status: int) -> None:
        with self.errors:
            self.errors.seek(0)
            reason = _why(status, self.errors.read())
        if self.is_late:
            reason = f"no end of a turn after {TIMEOUT_SECONDS} s"
        if reason:
            self.results.failures[self.task.row, self.task.setting.case, self.layer] = reason


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
