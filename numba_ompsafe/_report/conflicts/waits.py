"""Rules on what threads do while they wait."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from numba_ompsafe._report.record import Conflict, Report


@dataclass(frozen=True, slots=True)
class _Wait:
    """The variable by which runtimes are told how long an idle thread spins before it sleeps."""

    variable: str
    vendors: frozenset[str]
    units: dict[str, float]
    long: float  # about a second, from which on the wait counts as spinning


_WAITS = (
    # In turns of a loop of tens of nanoseconds each; 300 thousand if nothing is set.
    _Wait("GOMP_SPINCOUNT", frozenset({"GNU"}), {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}, 100e6),
    # In milliseconds; 200 if nothing is set.
    _Wait(
        "KMP_BLOCKTIME",
        frozenset({"LLVM", "Intel"}),
        {"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3, "h": 3600e3, "d": 86400e3},
        1e3,
    ),
)


def spinning_waits(report: Report) -> Iterator[Conflict]:
    """Idle threads of an OpenMP runtime in the process spin for long, and so burn their cores."""
    # Of another process it cannot be told which ones are in use.
    runtimes = [
        library
        for library in report.libraries
        if library.api == "openmp" and library.in_use is not False
    ]
    causes = {
        cause
        for wait in _WAITS
        if any(runtime.name in wait.vendors for runtime in runtimes)
        and (cause := _cause(wait, report.environment))
    }
    if not causes:
        return
    settings = " ".join(f"{name}={report.environment[name]}" for name in sorted(causes))
    yield Conflict(
        code="spinning-waits",
        severity="severe" if len(runtimes) > 1 or report.neighbours else "moderate",
        found=f"{settings}: idle OpenMP threads spin instead of sleeping",
        effect=(
            "they keep their cores busy, and take them from Python's threads, from other pools "
            "(another OpenMP runtime, BLAS, TBB) and from other processes"
        ),
        remedy=f"unset {' '.join(sorted(causes))}",
    )


def _cause(wait: _Wait, environment: dict[str, str]) -> str | None:
    """Return the variable that lets threads spin. OMP_WAIT_POLICY decides if no length is set."""
    if wait.variable in environment:
        return wait.variable if _is_long(environment[wait.variable], wait) else None
    active = environment.get("OMP_WAIT_POLICY", "").strip().lower() == "active"
    return "OMP_WAIT_POLICY" if active else None


def _is_long(value: str, wait: _Wait) -> bool:
    value = value.strip().lower()
    if value.startswith("infinit"):  # infinite, infinity
        return True
    length = re.fullmatch(r"([\d.]+)\s*([a-z]*)", value)
    try:
        return length is not None and float(length[1]) * wait.units.get(length[2], 1) >= wait.long
    except ValueError:  # a runtime does not accept it either
        return False
