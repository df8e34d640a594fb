"""The OpenMP runtimes and BLAS libraries in the process, and who uses them."""

import ctypes
import os
import sys
from typing import Any

from numba_ompsafe._process import libraries as loaded
from numba_ompsafe._report.facts import users
from numba_ompsafe._report.record import Library

# Functions that came with a version of OpenMP, the newest first.
_CAME_WITH = (
    ("omp_display_env", "5.1"),
    ("omp_get_supported_active_levels", "5.0"),
    ("omp_get_num_places", "4.5"),
)
_BLAS = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS", "flexiblas": "FlexiBLAS"}


def find() -> tuple[Library, ...]:
    """Return them, OpenMP's first."""
    found = [library.info() for library in loaded.controllers()]
    runtimes = [library for library in found if library["user_api"] == "openmp"]
    users_of = users.find(library["filepath"] for library in runtimes)
    return (
        *(_runtime(library, users_of[library["filepath"]]) for library in runtimes),
        *(_blas(library) for library in found if library["user_api"] == "blas"),
    )


def _runtime(found: dict[str, Any], users_of: users.Users) -> Library:
    path = found["filepath"]
    library = ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    version = next((v for function, v in _CAME_WITH if hasattr(library, function)), None)
    used_by = [*users_of.paths, *_this_layer_if_it_runs_on(path)]
    return Library(
        path=path,
        api="openmp",
        name=_vendor(library, path),
        version=f"OpenMP {version}" if version else None,
        num_threads=found["num_threads"],
        used_by=tuple(used_by),
        in_use=bool(used_by) or users_of.dependents == 0,
        ends_pools=hasattr(library, "omp_pause_resource_all"),
    )


def _blas(found: dict[str, Any]) -> Library:
    return Library(
        path=found["filepath"],
        api="blas",
        name=_BLAS.get(found["internal_api"], found["internal_api"]),
        version=found["version"],
        num_threads=found["num_threads"],
        used_by=(),
        in_use=True,
    )


def _vendor(library: ctypes.CDLL, path: str) -> str:
    """By the entry point of LLVM's own compiler; Intel's runtime is one of LLVM's family."""
    if not hasattr(library, "__kmpc_fork_call"):
        return "GNU"
    return "Intel" if os.path.basename(path).startswith("libiomp") else "LLVM"


def _this_layer_if_it_runs_on(path: str) -> tuple[str, ...]:
    """The extension depends on no runtime; it has taken one that was there."""
    core: Any = sys.modules.get("numba_ompsafe._core")
    bound = core.runtime_path() if core else None
    return (core.__file__,) if bound and os.path.realpath(bound) == path else ()
