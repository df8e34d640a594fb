"""Who tells the user what is wrong at a launch. The layer knows no report: who makes one says how.

``_startup`` does, as it registers the layer.
"""

from collections.abc import Callable
from typing import NamedTuple


class Warnings(NamedTuple):
    """What is to be called, by whom."""

    after_first_launch: Callable[[], None]  # with no lock of Numba's held
    of_missing_threads: Callable[[], None]  # once, on the main thread, after a launch lacked some


def _none() -> Warnings:
    return Warnings(lambda: None, lambda: None)


# May import: it is called where Numba launches a layer, with its locks held.
load: Callable[[], Warnings] = _none
