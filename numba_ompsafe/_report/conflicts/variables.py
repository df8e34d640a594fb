"""Rules on variables that work against each other."""

from collections.abc import Iterator

from numba_ompsafe._report.conflicts import overwrites
from numba_ompsafe._report.facts import environment
from numba_ompsafe._report.record import Conflict, Report


def numba_against_openmp(report: Report) -> Iterator[Conflict]:
    """``NUMBA_NUM_THREADS`` and ``OMP_NUM_THREADS`` are both set, to different numbers."""
    numba = environment.numba_count(report.environment)
    openmp = environment.openmp_count(report.environment)
    if report.versions.numba is None or numba is None or openmp is None or numba == openmp:
        return
    counts = report.counts
    if counts.numba is not None and counts.numba == counts.torch:  # by the program's own word
        return
    if any(overwrites.omp_overwrites(report)):  # which says more: Numba's number wins for all
        return
    yield Conflict(
        code="numba-against-openmp",
        severity="moderate",
        found=f"NUMBA_NUM_THREADS={numba} and OMP_NUM_THREADS={openmp}",
        effect=(
            f"Numba's count is {counts.numba or numba}, and {counts.torch or openmp} that of "
            f"{'torch' if counts.torch else 'all else on OpenMP'}, though one number may have been "
            "meant for both"
        ),
        remedy=(
            "unset NUMBA_NUM_THREADS (under the layer ompsafe Numba then follows "
            f"OMP_NUM_THREADS), or export NUMBA_NUM_THREADS={openmp}"
        ),
    )
