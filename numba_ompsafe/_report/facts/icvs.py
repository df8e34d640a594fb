"""The ICVs of the OpenMP runtimes in the process, as the calling thread has them."""

import ctypes
import os
from contextlib import suppress

from numba_ompsafe._report.facts.users import importers
from numba_ompsafe._report.record import ICVs, Library

_SCHEDULES = {1: "static", 2: "dynamic", 3: "guided", 4: "auto"}
_SCHEDULE_MODIFIERS = 0x80000000  # omp_sched_monotonic
_BINDINGS = {0: "false", 1: "true", 2: "primary", 3: "close", 4: "spread"}


def find(libraries: tuple[Library, ...]) -> tuple[ICVs, ...]:
    """Return those of each runtime among ``libraries``."""
    found = []
    for library in libraries:
        if library.api == "openmp":
            with suppress(AttributeError):  # it is no whole runtime
                found.append(_read(library))
    return tuple(found)


def nthreads_var(path: str) -> int:
    """Return nthreads-var of the calling thread in the runtime at ``path``."""
    return int(_open(path).omp_get_max_threads())


def _read(library: Library) -> ICVs:
    runtime = _open(library.path)
    # From OpenMP 5.0 on nest-var is gone, and LLVM's runtime prints a warning where it is read.
    has_nest_var = not hasattr(runtime, "omp_get_supported_active_levels")
    dyn_var = bool(runtime.omp_get_dynamic())
    return ICVs(
        runtime=library.path,
        nthreads_var=runtime.omp_get_max_threads(),
        dyn_var=dyn_var,
        dyn_var_setters=tuple(importers("omp_set_dynamic", library.used_by)) if dyn_var else (),
        nest_var=bool(runtime.omp_get_nested()) if has_nest_var else None,
        max_active_levels_var=runtime.omp_get_max_active_levels(),
        thread_limit_var=runtime.omp_get_thread_limit(),
        run_sched_var=_schedule(runtime),
        bind_var=_BINDINGS.get(runtime.omp_get_proc_bind(), "unknown"),
        places=runtime.omp_get_num_places(),
    )


def _open(path: str) -> ctypes.CDLL:
    return ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD)


def _schedule(runtime: ctypes.CDLL) -> str:
    kind, chunk = ctypes.c_int(), ctypes.c_int()
    runtime.omp_get_schedule(ctypes.byref(kind), ctypes.byref(chunk))
    name = _SCHEDULES.get(kind.value & ~_SCHEDULE_MODIFIERS, "unknown")
    return f"{name},{chunk.value}" if chunk.value > 0 else name
