"""How many threads a process asks for, and how to ask for another number: what rules share."""

import sys

from numba_ompsafe._report.facts import environment
from numba_ompsafe._report.record import Report


def threads(report: Report) -> dict[str, int]:
    """Return the count of whichever of Numba and torch is in the process and tells one."""
    counts = {"Numba": report.counts.numba, "torch": report.counts.torch}
    return {who: count for who, count in counts.items() if count is not None}


def runnable_threads(report: Report) -> dict[str, int]:
    """Return the same, no more than thread-limit-var lets run."""
    return {who: min(n, thread_limit(report, who)) for who, n in threads(report).items()}


def thread_limit(report: Report, who: str) -> int:
    """Return thread-limit-var of the runtime that Numba or torch is on; a huge one for none."""
    if who == "Numba" and report.layer.expected in ("tbb", "workqueue"):
        return sys.maxsize
    bound = report.layer.runtime.path if report.layer.runtime else None
    path = bound if who == "Numba" else report.counts.torch_runtime
    limits = {icvs.runtime: icvs.thread_limit_var for icvs in report.icvs}
    said = environment.thread_limit(report.environment) or sys.maxsize
    # One runtime has the limit of the others, unless a program set it there. Where none is asked,
    # since none is loaded or it is in another process, it is what the variable says.
    limit = limits.get(path or "", min(limits.values(), default=said))
    return sys.maxsize if limit >= environment.INT_MAX else limit


def remedy(report: Report, count: int) -> str:
    """Return what to type for so many threads in Numba, torch and whatever else uses OpenMP."""
    variables = [f"OMP_NUM_THREADS={count}"]
    calls = []
    counts = report.counts
    if report.versions.torch is not None and not (counts.torch and counts.torch <= count):
        calls.append(f"torch.set_num_threads({count})")
    if report.versions.numba is not None:
        if not (counts.numba and counts.numba <= count):
            calls.append(f"numba.set_num_threads({count})")
        if not numba_follows_openmp(report):
            variables.append(f"NUMBA_NUM_THREADS={count}")
    by_code = f", or in the program {' and '.join(calls)}" if calls else ""
    return f"export {' '.join(variables)} before Python starts{by_code}"


def numba_follows_openmp(report: Report) -> bool:
    """Whether ``OMP_NUM_THREADS`` reaches Numba: under the layer ompsafe, if nobody told Numba."""
    return report.layer.expected == "ompsafe" and "NUMBA_NUM_THREADS" not in report.environment
