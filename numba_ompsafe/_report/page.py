"""A report as a page of text, to be read without the manual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from numba_ompsafe._report.layout import filled, number, ranges, row, short, shortened

if TYPE_CHECKING:  # whose str() is this page
    from numba_ompsafe._report.record import Cores, Counts, ICVs, Layer, Library, Report

# Turns the word for a severity into one that stands out.
Paint = Callable[[str], str]

# A package with more libraries than this is named instead of them.
_MANY = 3
_UNLIMITED = 2**31 - 1
_ON = {True: "on", False: "off"}


def text(report: Report, note: str = "", paint: Paint = str) -> str:
    """Return the page, without a newline at its end.

    Args:
        report: what is on it.
        note: what there is to say of how the report was made.
        paint: see above.
    """
    sections = {
        "What runs": _what_runs(report),
        "Threads": _threads(report),
        "Cores": _cores(report.cores, report.layer),
        "Libraries": _libraries(report.libraries),
        "ICVs of this thread": _icvs(report.icvs),
        "Environment": _environment(report.environment),
        "Forks": [filled(report.forks, "  ", "  ")] if report.forks else [],
        "Other processes on these cores": _neighbours(report),
    }
    title = f"Thread settings of process {report.pid}"
    parts = [f"{title}\n{filled(note)}" if note else title]
    for name, rows in sections.items():
        block = "\n".join(rows)
        if block:
            parts.append(f"{name}\n{block}")
    return "\n\n".join([*parts, conflicts(report, paint=paint)])


def conflicts(report: Report, note: str = "", paint: Paint = str) -> str:
    """Return the part of the page that tells of conflicts, and below it the note."""
    which = " that can be seen from outside" if report.from_outside else ""
    parts = [f"Conflicts{which}: {len(report.conflicts)}"]
    if not report.conflicts:
        parts = [f"No conflicts{which}"]
    for conflict in report.conflicts:
        rows = (
            f"  {paint(conflict.severity)}  {conflict.code}",
            row("found", shortened(conflict.found), 4),
            row("leads to", shortened(conflict.effect), 4),
            row("remedy", conflict.remedy, 4),  # something to type: nothing of it is shortened
        )
        parts.append("\n".join(rows))
    if note:
        parts.append(filled(note))
    return "\n\n".join(parts)


def _what_runs(report: Report) -> Iterator[str]:
    versions, layer = report.versions, report.layer
    yield row("Python", versions.python)
    yield row("Numba", versions.numba or "not loaded")
    yield row("torch", versions.torch or "not loaded")
    yield row("numba-ompsafe", versions.numba_ompsafe or "not found")
    yield row("layer", _layer(layer, "none seen" if report.from_outside else "none yet"))
    if layer.runtime:
        what = _named(layer.runtime.name, layer.runtime.version)
        yield row("on", f"{short(layer.runtime.path)} ({what}): {layer.runtime.why}")
    if layer.first_launch:
        launch = layer.first_launch
        counts = f"{launch.nthreads_var_before} to {launch.nthreads_var_after}"
        yield row(
            "", f"its first launch took nthreads-var from {counts} on the thread that launched"
        )
    yield row("start-up file", _start_up_file(layer))


def _layer(layer: Layer, none: str) -> str:
    running = layer.running or none
    if layer.is_ompsafe and layer.running != "ompsafe":
        running += ", served by ompsafe"
    asked = layer.requested or "default"
    if asked == "default" and layer.priority:
        asked = f"the first that loads of {', '.join(layer.priority)}"
    return f"{running} (asked for: {asked})"


def _start_up_file(layer: Layer) -> str:
    if layer.start_up_file is None:
        return "none is installed"
    ran = {True: "ran", False: "did not run", None: "is installed"}[layer.start_up_file_ran]
    return f"{short(layer.start_up_file)} {ran}"


def _threads(report: Report) -> Iterator[str]:
    counts = report.counts
    if counts.numba is not None:
        yield row("Numba", f"{counts.numba} ({counts.numba_rule})")
    if counts.numba_mask is not None:
        yield row("Numba's mask", counts.numba_mask)
    if counts.numba_limit is not None:
        yield row("Numba's limit", f"{counts.numba_limit} (numba.config.NUMBA_NUM_THREADS)")
    if counts.torch is not None:
        yield row("torch", f"{counts.torch}{_where_torch_runs(counts)}")
    yield row("in all", f"{number(report.threads, 'thread')} in the process")


def _where_torch_runs(counts: Counts) -> str:
    if counts.torch_has_openmp is False:
        return " (built without OpenMP)"
    return f" (on {short(counts.torch_runtime)})" if counts.torch_runtime else ""


def _cores(cores: Cores, layer: Layer) -> Iterator[str]:
    yield row("usable", f"{cores.usable:g} of {cores.online}")
    if cores.affinity < cores.online:
        yield row("affinity", f"the process may run on {cores.affinity}")
    if cores.bound_to is not None:
        yield row("binding", f"OpenMP binds its threads to {cores.bound_to}")
    if cores.quota is not None:
        yield row("quota", f"{cores.quota:g} by {cores.quota_file}")
    if layer.cores is not None:
        yield row("launches", f"spread over {ranges(layer.cores)}")


def _libraries(libraries: tuple[Library, ...]) -> Iterator[str]:
    for library in libraries:
        label = {"openmp": "OpenMP", "blas": "BLAS"}[library.api]
        what = _named(library.name, library.version)
        if library.num_threads is not None:
            what += f", {number(library.num_threads, 'thread')}"
        yield row(label, f"{short(library.path)} ({what})")
        yield from _use(library)


def _use(library: Library) -> Iterator[str]:
    users = ", ".join(_users(library.used_by))
    if library.in_use is None:
        yield row("", f"used by {users}; or they use torch's, which cannot be told from outside")
    elif not library.in_use:
        yield row("", "not in use: what depends on it calls another one")
    elif users:
        yield row("", f"used by {users}")


def _users(paths: tuple[str, ...]) -> Iterator[str]:
    packages: dict[str, list[str]] = {}
    for path in map(short, paths):
        packages.setdefault(path.partition("/")[0] or path, []).append(path)
    for package, files in packages.items():
        if len(files) > _MANY:
            yield f"{package} ({number(len(files), 'library', 'libraries')})"
        else:
            yield from files


def _named(name: str, version: str | None) -> str:
    return f"{name} {version}" if version else name


def _icvs(icvs: tuple[ICVs, ...]) -> Iterator[str]:
    for values in icvs:
        nest_var = "" if values.nest_var is None else f"nest-var {_ON[values.nest_var]}, "
        places = f", {number(values.places, 'place')}" if values.places else ""
        yield f"  {short(values.runtime)}"
        yield row(
            "",
            f"nthreads-var {values.nthreads_var}, dyn-var {_ON[values.dyn_var]}, {nest_var}"
            f"max-active-levels-var {_limit(values.max_active_levels_var)}, "
            f"thread-limit-var {_limit(values.thread_limit_var)}, "
            f"run-sched-var {values.run_sched_var}, bind-var {values.bind_var}{places}",
        )


def _limit(value: int) -> str:
    return "unlimited" if value >= _UNLIMITED else str(value)


def _environment(environment: dict[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield filled(f"{name}={value}", "  ", "      ")


def _neighbours(report: Report) -> Iterator[str]:
    for neighbour in report.neighbours:
        threads = number(neighbour.num_threads, "thread")
        yield row(str(neighbour.pid), f"{threads}: {neighbour.command}")
