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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from harness.processes import ROOT, SUPPORT, clean_environment

TESTS = Path(__file__).parents[1]
OWN = ("omp", "workqueue")
HERE = "ompsafe"
LIMITS = {"start": 120.0, "compile": 240.0, "begin": 15.0, "end": 60.0}  # seconds after such a line
# How many processes a kernel may end before it is left out under a layer, and all kernels before no
# more programs are run under it.
LOSSES, ALL_LOSSES = 2, 20
# How an outcome begins that is none of a call's.
NO_RESULT = "the process "
NOT_COMPILED = "does not compile: "


@dataclass(frozen=True)
class Asked:
    """Which programs to run, and how."""

    seed: int
    kernels: int | None = None  # how many of all kernels
    only: str = ""  # an expression for the names of kernels
    numbers: tuple[int, ...] = ()  # of the programs
    without: tuple[str, ...] = ()  # kernels that are left out
    times: int = 1  # how many times as many calls as each program makes
    in_full: bool = False  # whether results are told at length


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
        while numbers and self.losses.total() < ALL_LOSSES:
            without = tuple(name for name, times in self.losses.items() if times >= LOSSES)
            rest = replace(asked, numbers=numbers, without=without)
            with _Process(self.name, rest) as process:
                begun = None
                for what, number, *told in process.lines():
                    if what == "fault":
                        raise RuntimeError(f"{self.name}, in {begun}: {number}")
                    if what == "end":
                        outcomes[number] = Outcome(begun[1], frozenset(told[0]), told[1])
                    else:
                        begun = number, told[0]
                how = process.how_it_ended()
            if not how:
                break
            if begun is None:
                raise RuntimeError(f"{self.name}: the process {how}, before any program")
            # In this program or after it, as at the end of Python.
            number, kernel = begun
            outcomes[number] = Outcome(kernel, frozenset([NO_RESULT + how]))
            self.losses[kernel] += 1
            print(f"{self.name}, program {number}, {kernel}: the process {how}", flush=True)
            numbers = numbers[numbers.index(number) + 1 :]
        return outcomes

    def show(self, asked: Asked) -> str:
        """Return a program in full."""
        return subprocess.run(
            _command("show"),
            input=json.dumps(asdict(asked)),
            env=_environment(self.name),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout


class _Process:
    def __init__(self, layer: str, asked: Asked) -> None:
        self.late = ""
        self.errors: IO[str] = TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            _command(layer),
            env=_environment(layer),
            cwd=SUPPORT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(asked)).encode())
        self.process.stdin.close()

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


def _command(layer: str) -> list[str]:
    return [sys.executable, "-m", "differences.child", layer]


def _environment(layer: str) -> dict[str, str]:
    """Return it with a cache for each kind of code: Numba's own layers run the same."""
    environment = clean_environment(NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="8")
    caches = os.environ.get("TESTS_NUMBA_CACHE_DIR", str(ROOT / "build" / "numba-cache"))
    kind = HERE if layer == HERE else "own"
    environment["NUMBA_CACHE_DIR"] = str(Path(caches) / f"differences-{kind}")
    environment["PYTHONPATH"] += os.pathsep + str(TESTS)
    return environment
