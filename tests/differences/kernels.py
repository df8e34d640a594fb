"""What a kernel is: a function that Numba compiles for parallel runs, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numba

KERNELS = {}


@dataclass(frozen=True)
class Kernel:
    """A kernel that is compiled when a program first needs it."""

    name: str
    compiled: Callable  # returns what Numba has compiled
    draw: Callable  # takes a Draw; returns what is called and what with: (call, arguments)
    options: dict = field(default_factory=dict)
    chunks: bool = True  # whether it is called with chunk sizes
    workqueue: bool = True  # whether workqueue can run it
    expected: Callable | None = None  # what computes the result without Numba
    times: int = 2  # how often each program calls it
    weight: int = 1  # how often it is drawn, beside others
    source: str = ""


def call(function, arguments):
    return function(*arguments)


def add(kernel):
    assert kernel.name not in KERNELS, kernel.name
    KERNELS[kernel.name] = kernel


def loop(*signatures, draw, name="", njit=None, **options):
    """Register a function with parallel loops, once for each signature."""

    def register(function):
        for signature in signatures:
            text = str(signature)
            add(
                Kernel(
                    f"{name or function.__name__}({text})",
                    partial(_compiled_loop, function, signature, njit or {}),
                    partial(_drawn, draw, signature),
                    **options,
                )
            )
        return function

    return register


def _compiled_loop(function, signature, options):
    return numba.njit(f"({signature},)", parallel=True, cache=True, **options)(function)


def _drawn(draw_arguments, signature, draw):
    """What is called, and with which arguments: those that the signature asks for, by default."""
    return call, draw_arguments(draw, signature)


def dtypes(signature):
    """NumPy's names of the types of a signature's arguments: int64 of "int64, float64[:]"."""
    names = (part.split("[")[0].strip() for part in _split(signature))
    return ["bool" if name == "boolean" else name for name in names]


def dimensions(signature):
    return [part.count(":") for part in _split(signature)]


def _split(signature):
    """Split at the commas that are not within brackets."""
    parts, depth = [""], 0
    for letter in signature:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
