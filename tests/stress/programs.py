"""Programs: what the threads of a process do, step by step; drawn from a seed.

A step is a list of acts, which begin at once and have all ended before the next step. An act is
the number of the actor that does it, its name, and its arguments. Actor 0 is the main thread.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Self

from harness.runtimes import RUNTIMES

ACTORS = 4
COUNTS = range(1, 9)
SIZES = (1, 2, 7, 100, 1_000, 30_000)

Act = list[Any]
Step = list[Act]
Draw = Callable[[Random], list[Any]]


def _nothing(_: Random) -> list[Any]:
    return []


def _count(random: Random) -> list[Any]:
    return [random.choice(COUNTS)]


def _count_or_none(random: Random) -> list[Any]:
    return [random.choice([None, *COUNTS])]


def _size(random: Random) -> list[Any]:
    return [random.choice(SIZES)]


def _shape(dimensions: int) -> Draw:
    return lambda random: [random.choice((1, 2, 3, 9)) for _ in range(dimensions)]


def _some_of(acts: dict[str, tuple[int, Draw]]) -> Draw:
    return lambda random: [[_draw(acts, random) for _ in range(random.randint(1, 4))]]


def _draw(acts: dict[str, tuple[int, Draw]], random: Random) -> Act:
    (name,) = random.choices(list(acts), [weight for weight, _ in acts.values()])
    return [name, *acts[name][1](random)]


# Each with its weight and what draws its arguments.
LAUNCHES: dict[str, tuple[int, Draw]] = {
    "prange": (4, _size),
    "sum": (4, _size),
    "chunked": (2, lambda random: [random.choice(SIZES), random.choice((1, 3, 1000))]),
    "ufunc": (2, _size),
    "gufunc": (2, _size),
    "nested": (3, _shape(2)),
    "three deep": (2, _shape(3)),
    "uneven": (2, _shape(1)),
    "objects": (1, _shape(2)),
    "raises": (1, lambda random: [random.randrange(40)]),
    "masks inside": (1, _shape(2)),
    "launches in a row": (2, lambda random: [random.choice((10, 100, 1000))]),
}
TORCH: dict[str, tuple[int, Draw]] = {
    "torch sum": (3, _nothing),
    "torch product": (2, _nothing),
    "torch.set_num_threads": (2, _count),
}
OWN: dict[str, tuple[int, Draw]] = {
    "numba.set_num_threads": (3, _count),
    "clear_mask": (1, _nothing),
    "omp_set_num_threads": (1, _count),
    "omp_set_dynamic": (1, lambda random: [random.randrange(2)]),
    "omp_set_schedule": (1, lambda random: [random.choice((1, 2, 3)), random.choice((0, 1, 9))]),
    "affinity": (2, lambda random: [random.choice(("one", "all"))]),
    "collect garbage": (1, _nothing),
}
IN_CHILDREN = LAUNCHES | TORCH | OWN
# A thread that has multiplied matrices does not end, as the second fork has it do, in a child that
# was born beside such a product: MKL's allocator may be locked there, without this package, too.
IN_CHILDREN_THAT_FORK = {name: IN_CHILDREN[name] for name in IN_CHILDREN if name != "torch product"}
FORKS: dict[str, tuple[int, Draw]] = {
    "fork": (4, _some_of(IN_CHILDREN)),
    "fork twice": (1, _some_of(IN_CHILDREN_THAT_FORK)),
    "fork and leave": (1, _nothing),
}
THREADS: dict[str, tuple[int, Draw]] = {
    "short-lived threads": (2, lambda random: [random.choice((1, 3, 12))]),
    "executor": (2, lambda random: [random.choice((2, 4)), random.choice((3, 20))]),
    "signals": (1, _nothing),
}
# These change what holds for the whole process, or look at its libraries: a child that is born
# beside the latter has the dynamic linker's lock for ever, without this package, too.
ALONE: dict[str, tuple[int, Draw]] = {
    "set_default_num_threads": (2, _count_or_none),
    "omp_set_max_active_levels": (1, lambda random: [random.choice((1, 2, 9))]),
    "begin threads": (3, _count),
    "begin limits": (2, lambda r: [r.choice(COUNTS), r.choice((None, "openmp", "numba"))]),
    "end": (5, lambda random: [random.choice((False, False, True))]),
    "another thread": (2, _nothing),
    "report": (1, _nothing),
    "import torch": (2, _nothing),
    "load a runtime": (1, _nothing),
    "worker processes": (1, lambda r: [r.choice(("fork", "fork", "forkserver", "spawn"))]),
    "data loader": (1, lambda r: [r.choice(("fork", "fork", "forkserver", "spawn"))]),
}
TOGETHER = LAUNCHES | TORCH | OWN | FORKS | THREADS


@dataclass(frozen=True)
class Program:
    """What to run, and on which runtime."""

    seed: int
    runtime: str
    torch: str  # "first", "later" (not before an act says so) or "never"
    variables: dict[str, str]
    daemon: bool  # a thread launches while the interpreter ends
    steps: list[Step]

    @classmethod
    def drawn(cls, seed: int, runtime: str, length: int) -> Self:
        """Return the program of a seed."""
        random = Random(f"{seed} {runtime}")
        torch = random.choices(("first", "later", "never"), (4, 2, 1))[0]
        variables = {}
        if random.random() < 0.2:
            variables["OMP_NUM_THREADS"] = str(random.choice(COUNTS))
        if random.random() < 0.3:
            variables["NUMBA_NUM_THREADS"] = str(random.choice(COUNTS))
        if random.random() < 0.1:
            variables["OMP_WAIT_POLICY"] = random.choice(("active", "passive"))
        steps = [_draw_step(random) for _ in range(length)]
        return cls(seed, runtime, torch, variables, random.random() < 0.2, steps)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return what to_json has written."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    def with_steps(self, steps: list[Step]) -> Self:
        """Return one that does other steps under the same circumstances."""
        return replace(self, steps=steps)

    def environment(self) -> dict[str, str]:
        """Return what its process has in its environment, beside what all have."""
        return RUNTIMES[self.runtime] | self.variables


def _draw_step(random: Random) -> Step:
    if random.random() < 0.25:
        return [[random.randrange(ACTORS), *_draw(ALONE, random)]]
    together = random.choice((1, 1, 1, 2, ACTORS))
    return [
        [actor, *_draw(TOGETHER, random)]
        for actor in sorted(random.sample(range(ACTORS), together))
    ]
