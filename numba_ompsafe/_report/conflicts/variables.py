"""Rules on variables that work against each other."""

from collections.abc import Iterator

from numba_ompsafe._process import switches
from numba_ompsafe._process.settings import MOST_THREADS
from numba_ompsafe._report.conflicts import overwrites
from numba_ompsafe._report.facts import environment
from numba_ompsafe._report.record import Conflict, Report, Severity
from numba_ompsafe.errors import shown

_SEVERE: Severity = "severe"
_MODERATE: Severity = "moderate"


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


def variable_not_understood(report: Report) -> Iterator[Conflict]:
    """A variable has a value, or a name, that means nothing to whoever reads it."""
    for name, value in report.environment.items():
        if name.startswith("NUMBA_OMPSAFE_"):
            yield from _switch(report, name, value)
        elif name == "NUMBA_NUM_THREADS":
            yield from _count_of_numba(report, value)
        elif name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT") and value.strip():
            numbers = value.split(",") if name == "OMP_NUM_THREADS" else [value]
            if not all(map(environment.openmp_number, numbers)):
                yield _not_understood(
                    name,
                    value,
                    "OpenMP runtimes ignore it; libgomp says so on standard error",
                    _to_one_for_each_core(report, name),
                )


def _switch(report: Report, name: str, value: str) -> Iterator[Conflict]:
    layer = report.layer
    if name not in switches.REMEDIES:
        known = ", ".join(switches.REMEDIES)
        yield _not_understood(
            name, value, "nobody reads a variable of this name", f"unset {name}; there are {known}"
        )
    elif not switches.is_understood(value):
        # Where it makes an error of what the first launch is, that is not known.
        read_by = (None, "omp") if name == "NUMBA_OMPSAFE_AS_OMP" else ("ompsafe",)
        fails = layer.running is None and layer.expected in read_by
        effect = (
            "the first parallel Numba call raises ValueError"
            if fails
            else "none under this layer; under another the first parallel Numba call raises "
            "ValueError"
        )
        remedy = f"unset {name}, or {switches.REMEDIES[name]}"
        yield _not_understood(name, value, effect, remedy, "severe" if fails else "moderate")


def _count_of_numba(report: Report, value: str) -> Iterator[Conflict]:
    count = environment.count_as_numba_reads_it(value)
    if count is None:
        effect, severity = "Numba warns of it, and has a thread for each core", _MODERATE
    elif count == 0:
        effect, severity = "import numba raises ValueError", _SEVERE
    elif count > MOST_THREADS:
        effect = "the first parallel Numba call raises an error, or the process dies in it"
        severity = _SEVERE
    else:
        return
    remedy = _to_one_for_each_core(report, "NUMBA_NUM_THREADS")
    yield _not_understood("NUMBA_NUM_THREADS", value, effect, remedy, severity)


def _to_one_for_each_core(report: Report, name: str) -> str:
    cores = max(1, int(report.cores.usable))
    return f"unset {name}, or export {name}={cores}: a number of threads from 1 on"


def _not_understood(
    name: str, value: str, effect: str, remedy: str, severity: Severity = _MODERATE
) -> Conflict:
    return Conflict(
        code="variable-not-understood",
        severity=severity,
        found=f"{name}={shown(value)}",
        effect=effect,
        remedy=remedy,
    )
