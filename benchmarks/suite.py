"""Runs rows under layers: each in a process of its own, side by side in turns, several rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks import rows
from benchmarks.figures import LIMIT, Options, Setting
from benchmarks.process import Process
from benchmarks.results import Results


@dataclass(frozen=True)
class Task:
    """What is measured side by side: a process for each layer."""

    row: str
    setting: Setting
    layers: Sequence[str]


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
    waiting = [Process(task.row, task.setting, layer, options, results) for layer in task.layers]
    while waiting:
        order.shuffle(waiting)
        waiting = [process for process in waiting if process.runs_a_turn()]


def _limit_of(name: str) -> list[str]:
    return [LIMIT] if hasattr(rows.load(name), "limit") else []
