"""The report of this process's thread settings, and what is wrong with them.

It reads and changes nothing: no ICV, no mask, no count of torch's; it launches no layer and loads
no library but what ``threadpoolctl`` is made of.
"""

import os
from collections.abc import Collection, Iterable
from dataclasses import replace

from numba_ompsafe._report import conflicts
from numba_ompsafe._report.facts import (
    cores,
    counts,
    environment,
    icvs,
    layer,
    libraries,
    neighbours,
    versions,
)
from numba_ompsafe._report.record import CODES, SEVERITIES, Conflict, Report, Severity
from numba_ompsafe.errors import ThreadConfigError, shown


def report() -> Report:
    """Return the thread settings of this process, as the calling thread sees them.

    ``print`` shows them as the page that ``numba-ompsafe report`` prints.
    Works under every threading layer of Numba's, before the first parallel call, and without Numba
    or torch. Call it when all that the program uses has been imported.
    """
    found = replace(this_process(), neighbours=neighbours.find())
    return replace(found, conflicts=conflicts.find(found))


def check(*, ignore: Collection[str] = (), severity: Severity = "moderate") -> None:
    """Raise an error if the thread settings of this process are in conflict with each other.

    Args:
        ignore: codes of conflicts that are no error here.
        severity: the least that counts: "severe" lets what is moderate pass.

    Raises:
        ThreadConfigError: there are others; its ``conflicts`` are these.
        TypeError: ``ignore`` is no collection of codes.
        ValueError: ``ignore`` has something that is no code, or there is no such severity.
    """
    codes = _codes(ignore)
    if severity not in SEVERITIES:
        raise ValueError(
            f"check: severity is {shown(severity)}, and must be one of: {', '.join(SEVERITIES)}"
        )
    found: tuple[Conflict, ...] = report().conflicts
    left = tuple(one for one in found if one.code not in codes and one.is_at_least(severity))
    if left:
        raise ThreadConfigError(left)


def _codes(ignore: Collection[str]) -> tuple[str, ...]:
    if isinstance(ignore, str) or not isinstance(ignore, Iterable):
        raise TypeError(
            "check: ignore must be a collection of codes, as ('two-runtimes',), not "
            f"{shown(ignore)}"
        )
    codes = tuple(ignore)
    unknown = [shown(code) for code in codes if not isinstance(code, str) or code not in CODES]
    if unknown:
        raise ValueError(
            f"check: ignore has {', '.join(unknown)}, which is no code of a conflict; "
            f"these are: {', '.join(CODES)}"
        )
    return codes


def this_process() -> Report:
    """Return what can be told without a look at other processes, and no conflicts."""
    loaded = libraries.find()
    running = layer.find(loaded)
    settings = icvs.find(loaded)
    return Report(
        pid=os.getpid(),
        versions=versions.find(),
        layer=running,
        libraries=loaded,
        icvs=settings,
        counts=counts.find(running, loaded, settings),
        environment=environment.of_this_process(),
        cores=cores.find(),
        threads=len(os.listdir("/proc/self/task")),
        forks=layer.forks(),
        neighbours=(),
        conflicts=(),
    )
