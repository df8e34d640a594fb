"""How many threads Numba and torch would use on the calling thread, and why.

Two questions are not asked as a program would ask them. ``numba.get_num_threads()`` launches a
layer where none runs. ``torch.get_num_threads()`` sets nthreads-var of a thread that torch has not
run on.
"""

import os
import sys
import threading
from typing import Any, NamedTuple

from numba_ompsafe._process import torch as torchs
from numba_ompsafe._report.facts import environment, mapped
from numba_ompsafe._report.facts.icvs import nthreads_var
from numba_ompsafe._report.record import Counts, ICVs, Layer, Library

_RULES = {
    1: "a mask on this thread (numba.set_num_threads, numba_ompsafe.threads)",
    2: "numba_ompsafe.set_default_num_threads",
    3: "NUMBA_NUM_THREADS",
    4: "what OpenMP would use on this thread",
}


def find(layer: Layer, libraries: tuple[Library, ...], icvs: tuple[ICVs, ...]) -> Counts:
    """Return the counts, without launching a layer and without torch's setting anything."""
    numba: Any = sys.modules.get("numba")
    limit = getattr(getattr(numba, "config", None), "NUMBA_NUM_THREADS", None)
    torch_runtime = mapped.runtime_of_torch(libraries)
    torch = _torch_count(layer, torch_runtime, icvs)
    count, rule = None, None
    core = _core()
    if limit is not None:
        if layer.running is not None:
            count, rule = int(numba.get_num_threads()), _rule(layer)
        else:
            count, rule = _before_launch(layer, limit, torch, icvs)
    return Counts(
        numba=count,
        numba_rule=rule,
        numba_mask=core.mask() or None if layer.is_ompsafe else None,
        numba_limit=limit,
        torch=torch,
        torch_runtime=torch_runtime,
        torch_has_openmp=_torch_has_openmp(),
        torch_to_come=_torch_to_come(torch_runtime),
        numba_default=core.process_default() or None if core else None,
    )


def _core() -> Any:
    return sys.modules.get("numba_ompsafe._core")


def _rule(layer: Layer) -> str:
    return _RULES[_core().rule()] if layer.is_ompsafe else "numba.set_num_threads or its limit"


def _before_launch(
    layer: Layer, limit: int, torch: int | None, icvs: tuple[ICVs, ...]
) -> tuple[int, str]:
    """Return the count that the first launch will have here, and the rule."""
    if layer.expected != "ompsafe":
        return limit, "numba.config.NUMBA_NUM_THREADS"
    from numba_ompsafe._process.settings import environment_count

    core = _core()
    mask, default = (core.mask(), core.process_default()) if core else (0, 0)
    of_numba = environment_count(sys.modules["numba"].config)
    followed = torch or _nthreads_var(icvs)
    rules = ((1, mask), (2, default), (3, of_numba), (4, followed))
    rule, count = next((rule, count) for rule, count in rules if count)
    return min(count, limit), _RULES[rule]


def _nthreads_var(icvs: tuple[ICVs, ...]) -> int:
    """Return nthreads-var of the first runtime, or what one that is loaded now would begin with."""
    if icvs:
        return icvs[0].nthreads_var
    return environment.openmp_count(os.environ) or len(os.sched_getaffinity(0))


def _torch_count(layer: Layer, runtime: str | None, icvs: tuple[ICVs, ...]) -> int | None:
    """Return what torch would use on this thread.

    That is nthreads-var once torch has set it here, as it does at the first parallel operation on a
    thread. Where it has not, the answer is that of a new thread. A thread with another nthreads-var
    than a new one counts as set, and so does the main thread, though torch may set it there yet. On
    the runtime that the layer ompsafe runs on it is asked, which has more to go by
    (``csrc/threads/thread_count.cpp``).
    """
    if not torchs.loaded():
        return None
    if layer.runtime is not None and layer.runtime.path == runtime:
        return int(_core().pool_size_here())
    here = next((one.nthreads_var for one in icvs if one.runtime == runtime), None)
    if here is not None and threading.get_native_id() == os.getpid():
        return here
    new = _new_thread(runtime)
    if new is None:
        return None
    return new.torch if here in (None, new.initial) else here


def _torch_to_come(runtime: str | None) -> int | None:
    """Return the count that another thread has set, where torch may set it here, too.

    None on other threads than the main one, which begin with what was said elsewhere, and where
    the layer has seen to it. Whether torch has set its count here already it does not tell: to ask
    it is to have it set.
    """
    core = _core()
    if (
        runtime is None
        or not torchs.loaded()
        or threading.get_native_id() != os.getpid()
        or (core is not None and core.torch_is_settled())
    ):
        return None
    new = _new_thread(runtime)
    if new is None or not new.was_told:
        return None
    # torch.set_num_threads leaves its number with MKL, too: then it was called here.
    said_here = (nthreads_var(runtime), torchs.mkl_count())
    return None if new.torch in said_here else new.torch


class _NewThread(NamedTuple):
    """What torch makes of a thread that it has not run on."""

    initial: int | None  # nthreads-var before that
    torch: int
    was_told: bool  # by torch.set_num_threads; else it is torch's default


def _new_thread(runtime: str | None) -> _NewThread | None:
    """Return what torch makes of one; None if there is none to be had."""
    answers: list[_NewThread] = []

    def ask() -> None:
        initial = nthreads_var(runtime) if runtime else None
        count = int(sys.modules["torch"].get_num_threads())
        # torch.set_num_threads sets MKL's count, too. Without MKL, the default is the runtime's.
        told = torchs.mkl_count() != 0 if torchs.has_mkl() else count != initial
        answers.append(_NewThread(initial, count, told))

    thread = threading.Thread(target=ask, name="numba-ompsafe report", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is shutting down, or the system has no thread to give
        return None
    thread.join()
    return answers[0] if answers else None


def _torch_has_openmp() -> bool | None:
    backends = getattr(sys.modules.get("torch"), "backends", None)
    openmp = getattr(backends, "openmp", None)
    return None if openmp is None else bool(openmp.is_available())
