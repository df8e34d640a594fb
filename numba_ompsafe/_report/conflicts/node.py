"""Rules on this process and the workers beside it."""

import math
from collections.abc import Iterator

from numba_ompsafe._report.conflicts import asked
from numba_ompsafe._report.facts import environment
from numba_ompsafe._report.record import Conflict, Report


def crowded_node(report: Report) -> Iterator[Conflict]:
    """This process and the workers beside it use more threads, all together, than there are cores.

    The workers run this process's program: what it says of its threads in code, as
    ``torch.set_num_threads(1)`` in a ``DataLoader`` worker, they are taken to have said, too. So
    none counts for more than this process does.
    """
    own = _own_threads(report)
    cores = report.cores.usable
    total = own + sum(min(own, neighbour.num_threads) for neighbour in report.neighbours)
    processes = 1 + len(report.neighbours)
    if processes == 1 or total <= math.ceil(cores):
        return
    each = max(1, int(cores / processes))
    remedy = f"{asked.remedy(report, each)}; or start fewer processes"
    yield Conflict(
        code="crowded-node",
        # Processes of one thread each may be what was wanted, as for waits for files.
        severity="severe" if own > 1 and total >= 2 * cores else "moderate",
        found=(
            f"{processes} processes of one launcher use {total} threads on {cores:g} cores: this "
            f"one and {_pids(report)}"
        ),
        effect=(
            "the processes take each other's cores; every parallel region waits for its last "
            "thread, and so for theirs"
        ),
        remedy=remedy,
    )


def _own_threads(report: Report) -> int:
    counts = asked.threads(report).values() or [icvs.nthreads_var for icvs in report.icvs]
    if not counts and report.from_outside and any(lib.api == "openmp" for lib in report.libraries):
        # As its neighbours are counted.
        said = environment.largest_count(report.environment, report.versions.numba is not None)
        return said or report.cores.affinity
    return max(counts, default=1)


def _pids(report: Report) -> str:
    pids = [str(neighbour.pid) for neighbour in report.neighbours]
    return ", ".join(pids[:8]) + (f" and {len(pids) - 8} more" if len(pids) > 8 else "")
