"""Rules on counts against the cores there are, and against what the runtime allows."""

import math
from collections.abc import Iterator

from numba_ompsafe._report.conflicts import asked
from numba_ompsafe._report.record import Conflict, Cores, Report


def more_threads_than_cores(report: Report) -> Iterator[Conflict]:
    """Numba's count or torch's is larger than the number of threads that can run at once.

    They are not added up: they share a pool, or run in turns.
    """
    counts = asked.runnable_threads(report)
    cores = report.cores
    usable = math.ceil(cores.usable)
    # Where threads are all bound to one core, bound-to-one-core says more.
    if cores.bound_to == 1 or max(counts.values(), default=0) <= usable:
        return
    effect = "the threads wait for each other's cores, and every parallel region for the last one"
    if cores.usable == cores.quota:
        effect += "; the kernel stops all of them for the rest of a period once the quota is used"
    yield Conflict(
        code="more-threads-than-cores",
        severity="severe" if max(counts.values()) >= 2 * cores.usable else "moderate",
        found=(
            f"{' and '.join(f'the count of {who} is {n}' for who, n in counts.items())}; "
            f"{_usable(cores)}"
        ),
        effect=effect,
        remedy=asked.remedy(report, usable),
    )


def thread_limit(report: Report) -> Iterator[Conflict]:
    """Numba's count or torch's is larger than thread-limit-var."""
    over = {
        who: (count, limit)
        for who, count in asked.threads(report).items()
        if count > (limit := asked.thread_limit(report, who))
    }
    if not over:
        return
    most = max(count for count, _ in over.values())
    found = ", ".join(f"{who} asks for {n} of {limit}" for who, (n, limit) in over.items())
    yield Conflict(
        code="thread-limit",
        severity="severe",
        found=f"more threads than thread-limit-var (OMP_THREAD_LIMIT) allows: {found}",
        effect="the OpenMP runtime quietly runs fewer threads than were asked for",
        remedy=f"unset OMP_THREAD_LIMIT, or export OMP_THREAD_LIMIT={most} or more",
    )


def _usable(cores: Cores) -> str:
    if cores.usable == cores.quota:
        return f"the cgroup quota is {cores.quota:g} cores ({cores.quota_file})"
    if cores.usable == cores.bound_to:
        return f"OpenMP binds all threads to {cores.bound_to} cores"
    return f"{cores.affinity} of {cores.online} cores are in the affinity mask"
