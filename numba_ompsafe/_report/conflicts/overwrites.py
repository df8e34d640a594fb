"""Rules on Numba and others in one pool: who changes whose counts, or the pool's size."""

from collections.abc import Iterator

from numba_ompsafe._report.conflicts import owners
from numba_ompsafe._report.facts import environment
from numba_ompsafe._report.record import Conflict, Report

_REMEDY = "NUMBA_THREADING_LAYER=ompsafe python app.py"
_EFFECT = (
    "OMP_NUM_THREADS and torch.set_num_threads do not hold on the thread that launches (but where "
    "torch has run nothing parallel yet and sets its count again); and where Numba and torch "
    "want different counts, calls in turns cost up to 27 times as much"
)


def omp_overwrites(report: Report) -> Iterator[Conflict]:
    """Numba's layer omp sets the counts of others on its runtime, or is going to."""
    layer = report.layer
    if layer.is_ompsafe:
        return
    if layer.running == "omp":
        yield from _overwritten(report)
    elif report.from_outside:  # the program may have launched, or selected, another layer in code
        return
    elif layer.running is None and layer.expected == "omp":
        yield from _to_be_overwritten(report)


def mask_above_pool(report: Report) -> Iterator[Conflict]:
    """``numba.set_num_threads`` asks for more threads than torch's pool on this thread has."""
    counts = report.counts
    shared = report.layer.runtime is not None and report.layer.runtime.path == counts.torch_runtime
    if not shared or counts.numba_mask is None or counts.torch is None:
        return
    if counts.numba_mask <= counts.torch:
        return
    yield Conflict(
        code="mask-above-pool",
        severity="moderate",
        found=f"numba.set_num_threads({counts.numba_mask}) here, where torch uses {counts.torch}",
        effect=(
            "threads beside torch's pool help with launches: more threads are alive than either "
            "asked for, and calls in turns wake the ones and then the others"
        ),
        remedy=(
            f"torch.set_num_threads({counts.numba_mask}), or numba.set_num_threads({counts.torch})"
        ),
    )


def _overwritten(report: Report) -> Iterator[Conflict]:
    runtime = owners.runtime_of_numba(report)
    others = [
        who
        for library in report.libraries
        if library.path == runtime
        for who in owners.packages(library.used_by)
        if who != "numba"
    ]
    if not others:
        yield from _ignored(report, "has set")
        return
    whose = f"the count of {' and '.join(others)}"
    launch = report.layer.first_launch
    asked = environment.openmp_count(report.environment)
    limit = report.counts.numba_limit
    if launch is not None:
        severe = launch.nthreads_var_before != launch.nthreads_var_after
        found = (
            f"the first Numba call (layer omp) changed {whose} from {launch.nthreads_var_before} "
            f"to {launch.nthreads_var_after}"
            if severe
            else f"the first Numba call (layer omp) has set {whose}, to the "
            f"{launch.nthreads_var_after} that it was"
        )
    else:
        severe = asked is not None and asked != limit
        found = f"the first Numba call (layer omp) has set {whose} to {limit}"
    found += " on the thread that launched"
    if launch is None and severe:
        found += f", where OMP_NUM_THREADS={asked}"
    yield _conflict(found, severe)


def _to_be_overwritten(report: Report) -> Iterator[Conflict]:
    limit, torch = report.counts.numba_limit, report.counts.torch
    if limit is None:
        return
    maybe = "" if report.layer.requested == "omp" else ", unless TBB can be loaded"
    if torch is None:
        yield from _ignored(report, f"will set{maybe},")
        return
    found = f"the first parallel Numba call will launch the layer omp{maybe}: it "
    if torch != limit:
        found += f"changes torch's count from {torch} to {limit}"
    else:
        found += f"sets torch's count to {limit}, which it is already"
    yield _conflict(found, torch != limit)


def _ignored(report: Report, sets: str) -> Iterator[Conflict]:
    """Nobody else's count is overwritten, but the one that ``OMP_NUM_THREADS`` asks for is."""
    asked, limit = environment.openmp_count(report.environment), report.counts.numba_limit
    if asked in (None, limit) or "NUMBA_NUM_THREADS" in report.environment:
        return
    yield Conflict(
        code="omp-overwrites",
        severity="moderate",
        found=f"the first Numba call (layer omp) {sets} nthreads-var to {limit}, where "
        f"OMP_NUM_THREADS={asked}",
        effect=f"OMP_NUM_THREADS is ignored: Numba's limit is {limit} threads",
        remedy=f"{_REMEDY}, or export NUMBA_NUM_THREADS={asked}",
    )


def _conflict(found: str, severe: bool) -> Conflict:
    return Conflict(
        code="omp-overwrites",
        severity="severe" if severe else "moderate",
        found=found,
        effect=_EFFECT,
        remedy=_REMEDY,
    )
