"""Runs code of blocks of numba_ompsafe.threads, which finds what it needs."""

from typing import Any

from harness import processes

_PRELUDE = """
import os, sys, threading
from concurrent.futures import ThreadPoolExecutor
import openmp, thread_settings
from numba_ompsafe import clear_mask, threads
from python_threads import on_new_thread, on_second_thread
"""
_NUMBA = """
import kernels, numba
from counting import here
from numba import get_num_threads, set_num_threads
"""


def results_of(
    code: str,
    env: dict[str, str] | None = None,
    *,
    numba: bool = True,
    layer: str | None = "ompsafe",
) -> Any:
    """Return what ``code`` has put into ``results``; it may import Numba itself."""
    return processes.results_of(_PRELUDE + _NUMBA * numba + code, env, layer=layer)
