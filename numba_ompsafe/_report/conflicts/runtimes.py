"""Rules on the OpenMP runtimes in the process."""

from collections.abc import Iterator

from numba_ompsafe._report.conflicts import owners
from numba_ompsafe._report.record import Conflict, ICVs, Library, Report


def two_runtimes(report: Report) -> Iterator[Conflict]:
    """Libraries in the process call more than one OpenMP runtime."""
    used = owners.runtimes(report)
    apart = {owners.runtime_of_numba(report), report.counts.torch_runtime}
    if len(used) < 2 or {library.path for library in used} == apart:
        return
    vendors = {library.name for library in used}
    hangs = {"LLVM", "Intel"} <= vendors
    yield Conflict(
        code="two-runtimes",
        severity="severe" if hangs else "moderate",
        found=f"{len(used)} OpenMP runtimes are in use: {'; '.join(map(_used_by, used))}",
        effect=(
            "LLVM's and Intel's runtimes in one process can hang or crash it"
            if hangs
            else "each has its own pool and its own settings: more threads than cores where they "
            "run at once, and a count that is set in one does not hold in the other"
        ),
        remedy=_one_for_all(report, used),
    )


def runtimes_apart(report: Report) -> Iterator[Conflict]:
    """Numba's launches and torch's regions run on different runtimes."""
    numba, torch = owners.runtime_of_numba(report), report.counts.torch_runtime
    if numba is None or torch is None or numba == torch:
        return
    yield Conflict(
        code="runtimes-apart",
        severity="severe",
        found=f"Numba (layer {report.layer.running}) runs on {numba}, torch on {torch}",
        effect=(
            "two pools take each other's cores, and what torch.set_num_threads sets does not "
            "reach Numba"
        ),
        remedy=f"NUMBA_THREADING_LAYER=ompsafe LD_PRELOAD={torch} python app.py",
    )


def torch_without_openmp(report: Report) -> Iterator[Conflict]:
    """This build of torch has a pool that is not OpenMP's."""
    if report.counts.torch_has_openmp is not False:
        return
    yield Conflict(
        code="torch-without-openmp",
        severity="moderate",
        found=f"torch {report.versions.torch} was built without OpenMP",
        effect=(
            "torch and Numba have a pool each and take each other's cores; Numba does not follow "
            "torch.set_num_threads"
        ),
        remedy="pip install --force-reinstall torch (its wheels for Linux have OpenMP)",
    )


def pool_kept_at_forks(report: Report) -> Iterator[Conflict]:
    """The layer cannot end the pool that torch runs on: a forked child would wait for its threads.

    LLVM's and Intel's runtimes look after their own.
    """
    if report.layer.expected != "ompsafe":
        return
    for library in report.libraries:
        is_torchs = library.path == report.counts.torch_runtime
        if is_torchs and library.name == "GNU" and library.ends_pools is False:
            yield Conflict(
                code="pool-kept-at-forks",
                severity="moderate",
                found=f"{library.path} has no omp_pause_resource_all, which came with GCC 9",
                effect=(
                    "its pool cannot be ended before a fork: a child that is forked once torch has "
                    "run in parallel waits for ever where it does so, too (DataLoader's workers do "
                    "not)"
                ),
                remedy=(
                    "pip install 'torch>=2.7', LD_PRELOAD=libgomp.so.1 python app.py with one of "
                    "the system's that is newer, or torch.set_num_threads(1) in the child"
                ),
            )


def dynamic_teams(report: Report) -> Iterator[Conflict]:
    """dyn-var is on: a runtime may give a team fewer threads than were asked for."""
    used = {library.path for library in owners.runtimes(report)}
    on = [icvs for icvs in report.icvs if icvs.dyn_var and icvs.runtime in used]
    if not on:
        return
    setters = owners.packages(path for icvs in on for path in icvs.dyn_var_setters)
    variable = report.environment.get("OMP_DYNAMIC")
    calls = "; ".join(f'ctypes.CDLL("{icvs.runtime}").omp_set_dynamic(0)' for icvs in on)
    remedy = f"{calls} on each thread, after the import that sets it"
    if setters:
        by = f", by {' or '.join(setters)} (calls omp_set_dynamic)"
    elif variable is not None:
        by, remedy = f", by OMP_DYNAMIC={variable}", "unset OMP_DYNAMIC"
    else:
        by = ""
    whose = _on_dynamic_teams(report, on)
    yield Conflict(
        code="dynamic-teams",
        severity="moderate",
        found=f"dyn-var is on in {', '.join(icvs.runtime for icvs in on)}{by}",
        effect=f"{whose} quietly get fewer threads while the machine is busy",
        remedy=remedy,
    )


def _on_dynamic_teams(report: Report, on: list[ICVs]) -> str:
    """Launches of ompsafe are not among them: it switches dyn-var off for their length."""
    paths = [icvs.runtime for icvs in on]
    whose = []
    # Before the first launch it is not known which runtime omp will be on.
    on_openmp = report.versions.numba is not None and report.layer.expected == "omp"
    if on_openmp and owners.runtime_of_numba(report) in (None, *paths):
        whose.append("prange")
    if report.counts.torch_runtime in paths:
        whose.append("torch's regions")
    return " and ".join(whose) or "parallel regions there"


def _used_by(library: Library) -> str:
    users = owners.packages(library.used_by)
    return f"{library.path} by {', '.join(users) if users else 'whoever loaded it'}"


def _one_for_all(report: Report, used: list[Library]) -> str:
    """An import of torch puts its runtime where libraries that are loaded later find it first."""
    serves_all = [library.path for library in used if library.name != "GNU"]
    torch = report.counts.torch_runtime
    preload = f"LD_PRELOAD={(serves_all or [torch or used[0].path])[0]} python app.py"
    others = [p for library in used if library.path != torch for p in library.used_by]
    if torch is None or not others or serves_all:
        return preload
    return f"import torch before {', '.join(owners.packages(others))}, or {preload}"
