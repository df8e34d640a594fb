"""All programs of a seed, by their numbers."""

import re
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from differences import arrays, gufuncs, loops, nested, reductions, templates, ufuncs  # noqa: F401
from differences.drawing import Draw
from differences.kernels import KERNELS, Kernel

TEMPLATES = 40
THREADS = range(1, 9)
CHUNKS = (1, 2, 3, 10, 100, 10_000)

templates.make_up(TEMPLATES)


def kernels_of(seed: int, how_many: int | None, only: str) -> list[Kernel]:
    """Return that many of all kernels whose names match, or all of these."""
    kernels = [kernel for name, kernel in KERNELS.items() if re.search(only, name)]
    return kernels if how_many is None else Random(f"kernels {seed}").sample(kernels, how_many)


@dataclass(frozen=True)
class Program:
    """A kernel and what it is called with."""

    seed: int
    number: int
    kernel: Kernel
    threads: int
    chunk: int  # 0: none

    @classmethod
    def drawn(cls, seed: int, number: int, kernels: list[Kernel]) -> "Program":
        random = Random(f"program {seed} {number}")
        (kernel,) = random.choices(kernels, [kernel.weight for kernel in kernels])
        chunk = random.choice(CHUNKS) if kernel.chunks and random.random() < 0.25 else 0
        return cls(seed, number, kernel, random.choice(THREADS), chunk)

    def arguments(self) -> Any:
        """Return what is called and with what: new objects each time, of the same bits."""
        draw = Draw(self.seed, self.number)
        draw.exact = self.chunk != 0
        return self.kernel.draw(draw)

    @cached_property
    def function(self) -> Any:
        return self.kernel.compiled()
