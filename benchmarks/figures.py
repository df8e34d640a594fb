"""What is measured: settings, each a process of its own, and the figures that come out of one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

LIMIT = "limit"  # in place of a layer: what the hardware or the runtime itself takes


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    sizes: tuple[int, ...]  # elements
    threads: tuple[int, ...]
    seconds: float = 2  # to spend on each mean

    @property
    def cores(self) -> int:
        """Cores that this process may use."""
        return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Setting:
    """How one process is set up. ``case`` names it in the table, empty where there is but one.

    ``numba_threads`` is what NUMBA_NUM_THREADS says, for rows that are about the number of threads.
    Otherwise nothing is set, as in most programs: 0.
    """

    numba_threads: int = 0
    torch_threads: int = 0  # 0: torch is not loaded
    python_threads: int = 1
    outer_iterations: int = 0  # 0: the row does not nest, or says itself how
    busy_processes: int = 0  # beside the one that measures
    case: str = ""


@dataclass(frozen=True)
class Figure:
    """One measured case, in seconds."""

    case: str
    value: float
    layer: str | None = None  # where it is not the layer under which the process runs


class Row(Protocol):
    """A module of ``benchmarks.rows``.

    Its docstring begins with what is measured. Where there is a function ``limit`` like
    ``figures``, it runs in a process of its own, in which nothing of Numba is parallel.
    """

    UNIT: str  # in which it is shown: "ms" or "us"

    @staticmethod
    def settings(options: Options) -> Iterator[Setting]:
        """Yield what to measure, each in a process of its own."""

    @staticmethod
    def figures(setting: Setting, options: Options) -> Iterator[Figure]:
        """Measure, in a process under the layer that its environment selects."""


def styles_at(options: Options) -> int:
    """Return the size at which ufuncs and gufuncs are called in every way: the middle one."""
    return sorted(options.sizes)[len(options.sizes) // 2]


def about(row: ModuleType) -> str:
    """Return what the row measures, in a line."""
    return (row.__doc__ or "").partition("\n")[0].rstrip(".")
