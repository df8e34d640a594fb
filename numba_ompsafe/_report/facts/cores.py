"""The cores that a process may use: affinity, what OpenMP has bound threads to, cgroup quotas.

Any OpenMP runtime with affinity settings (``OMP_PROC_BIND``, ``OMP_PLACES``, ``GOMP_CPU_AFFINITY``,
``KMP_AFFINITY``) narrows the affinity mask of the main thread to its first place, as early as the
runtime is loaded (libgomp) or first used (LLVM's, Intel's). That mask then is no limit of the
process; the runtime itself knows how many cores it found before.
"""

import ctypes
import os
from dataclasses import dataclass

from numba_ompsafe._process import libraries
from numba_ompsafe._report.facts import proc
from numba_ompsafe._report.facts.cgroups import tightest_quota
from numba_ompsafe._report.record import Cores


def find(pid: int | None = None) -> Cores:
    """Return the cores that a process may use; None for this process.

    Of another process the affinity masks and the quota are told, not what its OpenMP runtimes know.
    Where the main thread may run on fewer cores than all threads together, it is taken to be bound
    to its first place.

    Raises:
        ProcessLookupError: there is no such process.
    """
    process = proc.PROC / ("self" if pid is None else str(pid))
    quota = tightest_quota(process, process / "root")
    if pid is None:
        binding = _binding()
        # Not of the calling thread (0), which anybody may have bound to some of them. And after
        # LLVM's runtime was asked, which binds the main thread then.
        main = len(os.sched_getaffinity(os.getpid()))
    else:
        main = len(os.sched_getaffinity(pid))
        binding = _binding_of_other(pid, main)
    first_place = binding.first_place if binding else None
    if binding and binding.first_place < min(main, binding.bound_to or main):
        first_place = None  # the program has given the main thread its cores back
    return Cores(
        online=os.sysconf("SC_NPROCESSORS_ONLN"),
        affinity=binding.available if binding else main,
        quota=quota.cores if quota else None,
        quota_file=quota.file if quota else None,
        bound_to=binding.bound_to if binding else None,
        first_place=first_place,
    )


@dataclass(frozen=True, slots=True)
class _Binding:
    """What a runtime binds its threads to, in cores."""

    available: int  # what it could have used
    bound_to: int | None  # in all of its places; None if not known
    first_place: int  # in the first place, where the main thread is


def _binding() -> _Binding | None:
    """Return the binding of the runtime in this process that found the most cores, if any binds.

    One that is loaded after another has bound the main thread finds only the cores of that place.
    """
    bindings = (_binding_of(runtime.dynlib) for runtime in libraries.runtimes())
    return max(
        (binding for binding in bindings if binding),
        key=lambda binding: binding.available,
        default=None,
    )


def _binding_of_other(pid: int, main: int) -> _Binding | None:
    """Return what the masks of a process's threads tell; ``main`` is the size of the main one's."""
    available = len(proc.cores_of_all_threads(pid))
    return _Binding(available, None, main) if available > main else None


def _binding_of(runtime: ctypes.CDLL) -> _Binding | None:
    if not hasattr(runtime, "omp_get_place_proc_ids"):  # before OpenMP 4.5
        return None
    places = [_cores_of_place(runtime, place) for place in range(runtime.omp_get_num_places())]
    available = runtime.omp_get_num_procs()
    bound_to = len(set().union(*places))
    # LLVM's and Intel's have one place of all cores where they do not bind. Before version 15,
    # LLVM's binds the main thread where OMP_PLACES says so and OMP_PROC_BIND=false forbids it.
    if not places or (not runtime.omp_get_proc_bind() and bound_to >= available):
        return None
    return _Binding(available, bound_to, len(places[0]))


def _cores_of_place(runtime: ctypes.CDLL, place: int) -> set[int]:
    cores = (ctypes.c_int * runtime.omp_get_place_num_procs(place))()
    runtime.omp_get_place_proc_ids(place, cores)
    return set(cores)
