"""The rows of the suite, a module each (see ``benchmarks.figures.Row``)."""

from importlib import import_module
from typing import Any

NAMES = (
    "launch",
    "reduce",
    "ufunc",
    "gufunc",
    "nested",
    "uneven",
    "mixed",
    "threads",
    "compose",
    "neighbours",
    "schedule",
    "fork",
    "startup",
)


def load(name: str) -> Any:
    """Return the module of a row."""
    return import_module(f"benchmarks.rows.{name}")
