"""What libraries belong to, in words: what rules share."""

import os
from collections.abc import Iterable

from numba_ompsafe._report.record import Library, Report

NUMBAS_OMP = "omppool."

_PACKAGES = ("/site-packages/", "/dist-packages/")


def runtimes(report: Report) -> list[Library]:
    """Return the OpenMP runtimes that somebody uses, or may use by a handle of their own."""
    return [library for library in report.libraries if library.api == "openmp" and library.in_use]


def runtime_of_numba(report: Report) -> str | None:
    """Return the path of the runtime that Numba's launches run on; None for a layer without one."""
    if report.layer.runtime is not None:
        return report.layer.runtime.path
    for library in report.libraries:
        if any(os.path.basename(user).startswith(NUMBAS_OMP) for user in library.used_by):
            return library.path
    return None


def packages(paths: Iterable[str]) -> list[str]:
    """Return the names of the Python packages that the files belong to, each once."""
    return list(dict.fromkeys(_package(path) for path in paths))


def _package(path: str) -> str:
    for folder in _PACKAGES:
        if folder in path:
            name = path.split(folder, 1)[1].split("/", 1)[0]
            return name.removesuffix(".libs").split(".", 1)[0]
    return os.path.basename(path)
