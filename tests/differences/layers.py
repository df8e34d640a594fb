"""Runs programs under a layer, in processes of its own, and finds the one that ends a process."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from harness.processes import ROOT, SUPPORT, clean_environment

TESTS = Path(__file__).parents[1]
OWN = ("omp", "workqueue")
HERE = "ompsafe"
LIMITS = {"start": 120.0, "compile": 240.0, "begin": 15.0, "end": 60.0}  # seconds after such a line
LOSSES = 2  # processes that a kernel may end before it is left out under a layer
# How an outcome begins that is none of a call's.
NO_RESULT = "the process "
NOT_COMPILED = "does not compile: "


@dataclass(frozen=True)
class Asked:
    """Which programs to run, and how."""

    seed: int
    kernels: int | None = None
    numbers: tuple[int, ...] = ()
    times: int = 1
    in_full: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a program under a layer: one thing, if it is the same each time."""

    kernel: str
    found: frozenset[str]
    expected: str | None = None


@dataclass
class Layer:
    """A layer, and the kernels that are left out under it, after they have ended processes."""

    name: str
    losses: Counter[str] = field(default_factory=Counter)

    def run(self, asked: Asked) -> dict[int, Outcome]:
        """Run them all; where one ends the process, the rest go on in another."""
        outcomes: dict[int, Outcome] = {}
        numbers = asked.numbers
        while numbers:
            without = [kernel for kernel, times in self.losses.items() if times >= LOSSES]
            with _Process(self.name, replace(asked, numbers=numbers), without) as process:
                begun = None
                for what, number, *rest in process.lines():
                    if what == "end":
                        outcomes[number] = Outcome(begun[1], frozenset(rest[0]), rest[1])
                        begun = None
                    else:
                        begun = number, rest[0]
                how = process.how_it_ended()
            if not how:
                break
            if begun is None:
                # Between two programs, as at the end of Python: nothing that goes on could tell.
                raise RuntimeError(f"{self.name}: {how}, in no program of {numbers}")
            number, kernel = begun
            outcomes[number] = Outcome(kernel, frozenset([NO_RESULT + how]))
            self.losses[kernel] += 1
            numbers = numbers[numbers.index(number) + 1 :]
        return outcomes

    def show(self, asked: Asked) -> str:
        """Return a program in full."""
        command = _command(json.dumps(_json(asked, [])), "show")
        return subprocess.run(
            command, env=_environment(self.name), capture_output=True, text=True, check=True
        ).stdout


class _Process:
    def __init__(self, layer: str, asked: Asked, without: list[str]) -> None:
        self.late = ""
        self.errors: IO[str] = TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            _command(json.dumps(_json(asked, without)), layer),
            env=_environment(layer),
            cwd=SUPPORT,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
        )

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.errors.close()

    def lines(self) -> Iterator[list[Any]]:
        """Yield what it tells until it ends, or has told nothing for too long."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        rest, last = b"", "start"
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            told = time.monotonic()
            while True:
                left = told + LIMITS[last] - time.monotonic()
                if not selector.select(max(left, 0)):
                    self.late = f"has not gone on after {LIMITS[last]:.0f} s"
                    return
                if not (read := os.read(descriptor, 1 << 16)):
                    return
                told = time.monotonic()
                *lines, rest = (rest + read).split(b"\n")
                for line in map(json.loads, lines):
                    last = line[0]
                    yield line

    def how_it_ended(self) -> str:
        """Return "" if it has ended well."""
        if self.late:
            return self.late
        status = self.process.wait()
        if status == 0:
            return ""
        self.errors.seek(0)
        last = self.errors.read().splitlines()[-1:]
        how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return " ".join([f"has ended with {how}", *last])


def _command(asked: str, layer: str) -> list[str]:
    return [sys.executable, "-m", "differences.child", asked, layer]


def _json(asked: Asked, without: list[str]) -> dict[str, Any]:
    return {
        "seed": asked.seed,
        "kernels": asked.kernels,
        "numbers": asked.numbers,
        "times": asked.times,
        "in_full": asked.in_full,
        "without": without,
    }


def _environment(layer: str) -> dict[str, str]:
    """Return it with a cache for each kind of code: Numba's own layers run the same."""
    environment = clean_environment(NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="8")
    caches = os.environ.get("TESTS_NUMBA_CACHE_DIR", str(ROOT / "build" / "numba-cache"))
    kind = HERE if layer == HERE else "own"
    environment["NUMBA_CACHE_DIR"] = str(Path(caches) / f"differences-{kind}")
    environment["PYTHONPATH"] += os.pathsep + str(TESTS)
    return environment
