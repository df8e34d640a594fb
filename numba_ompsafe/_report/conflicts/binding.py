"""Rules on what OpenMP runtimes bind threads to."""

from collections.abc import Iterator

from numba_ompsafe._report.conflicts import asked
from numba_ompsafe._report.record import Conflict, Report

_VARIABLES = ("GOMP_CPU_AFFINITY", "KMP_AFFINITY", "OMP_PLACES", "OMP_PROC_BIND")


def bound_to_one_core(report: Report) -> Iterator[Conflict]:
    """An OpenMP runtime has bound the main thread to one core, and perhaps all of its threads.

    Two of the system's cores may be one: they are under ``OMP_PLACES=cores`` with hyper-threads.
    """
    cores = report.cores
    place = cores.first_place
    if place is None or place > 2 or place >= cores.affinity:
        return
    variables = {
        name: report.environment[name] for name in _VARIABLES if name in report.environment
    }
    if report.from_outside and not variables:  # the program may have bound its main thread itself
        return
    settings = " ".join(f"{name}={value}" for name, value in variables.items())
    remedy = f"unset {' '.join(variables)}" if variables else "unset what binds OpenMP's threads"
    if cores.bound_to == place:
        parallel = max(asked.threads(report).values(), default=1) > 1
        yield Conflict(
            code="bound-to-one-core",
            severity="severe" if parallel else "moderate",
            found=f"OpenMP binds all its threads to {place} of {cores.affinity} cores ({settings})",
            effect="a parallel region is no faster than one thread, and mostly slower",
            remedy=remedy,
        )
        return
    effect = (
        "what this thread starts is bound to the same core: Python threads, DataLoader workers and "
        "other processes, pools of BLAS"
    )
    limit = report.counts.numba_limit
    asked_for = "NUMBA_NUM_THREADS" in report.environment
    numba_limited = limit is not None and limit <= place and not asked_for
    remedy += ", or os.sched_setaffinity(0, range(os.cpu_count())) in each worker"
    if numba_limited:
        remedy += f" and export NUMBA_NUM_THREADS={cores.affinity}"
        effect += f"; Numba, imported later, took it for all cores and uses no more than {limit}"
    yield Conflict(
        code="bound-to-one-core",
        severity="severe" if numba_limited or report.neighbours else "moderate",
        found=(
            f"OpenMP has bound the main thread to {place} of {cores.affinity} cores ({settings})"
            f"{_beside(len(report.neighbours))}"
        ),
        effect=effect,
        remedy=remedy,
    )


def _beside(processes: int) -> str:
    return f", as it is in {processes} of the workers beside this one" if processes else ""
