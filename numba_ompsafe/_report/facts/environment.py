"""The environment variables that say something about threads."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from numba_ompsafe._process.layers import MAY_BE_OMP, NUMBAS_LAYERS

# What OpenMP runtimes read, what BLAS libraries and other pools read, what Numba and this package
# read, and what launchers say of a process's share of a node. LD_PRELOAD decides on the runtime.
_MATTERS = re.compile(
    r"""
    (OMP|GOMP|KMP)_.*
    | (MKL|OPENBLAS|GOTO|BLIS|VECLIB|NUMEXPR|TBB)_.*(THREAD|DYNAMIC).*
    | NUMBA_(NUM_THREADS|THREADING_LAYER.*|OMPSAFE_.*)
    | LD_PRELOAD
    | SLURM_(CPUS_PER_TASK|CPUS_ON_NODE|NTASKS_PER_NODE|CPU_BIND)
    | (LOCAL_)?WORLD_SIZE | OMPI_COMM_WORLD_LOCAL_SIZE | MPI_LOCALNRANKS
    """,
    re.VERBOSE,
)

INT_MAX = 2**31 - 1

# As strtol reads it. No more than 63 bits are taken.
_NUMBER = re.compile(r"\s*\+?0*(\d{1,19})\s*", re.ASCII)


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of ``environ`` that matter for threads, by name."""
    return {name: environ[name] for name in sorted(environ) if _MATTERS.fullmatch(name)}


def of_this_process() -> dict[str, str]:
    """Return those of this process that matter, as somebody has set them."""
    found = variables(os.environ)
    # threadpoolctl sets it when it is imported, as the report does: that was nobody's wish.
    if found.get("KMP_DUPLICATE_LIB_OK") == "True" and not _started_with("KMP_DUPLICATE_LIB_OK"):
        del found["KMP_DUPLICATE_LIB_OK"]
    return found


def _started_with(name: str) -> bool:
    """Whether this process was started with the variable; also where that cannot be read."""
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return True
    return any(entry.startswith(f"{name}=".encode()) for entry in entries)


def openmp_count(variables: Mapping[str, str]) -> int | None:
    """Return what ``OMP_NUM_THREADS`` says of regions that are not nested; None if nothing."""
    return openmp_number(variables.get("OMP_NUM_THREADS", "").split(",")[0])


def numba_count(variables: Mapping[str, str]) -> int | None:
    """Return what ``NUMBA_NUM_THREADS`` says; None if nothing."""
    return count_as_numba_reads_it(variables.get("NUMBA_NUM_THREADS", "")) or None


def thread_limit(variables: Mapping[str, str]) -> int | None:
    """Return what ``OMP_THREAD_LIMIT`` says; None if nothing."""
    return openmp_number(variables.get("OMP_THREAD_LIMIT", ""))


def largest_count(variables: Mapping[str, str], has_numba: bool) -> int | None:
    """Return the largest count that is asked for, Numba's if it is there; None if none is."""
    counts = [openmp_count(variables), numba_count(variables) if has_numba else None]
    return max((count for count in counts if count), default=None)


def layer(variables: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the layer that is asked for and the priority list, as Numba reads them."""
    priority = variables.get("NUMBA_THREADING_LAYER_PRIORITY")
    return (
        variables.get("NUMBA_THREADING_LAYER", "default").lower(),
        NUMBAS_LAYERS if priority is None else tuple(priority.split()),
    )


def layer_name_of_ompsafe(variables: Mapping[str, str]) -> str | None:
    """Return the name under which ompsafe is asked for: its own or ``omp``; None if it is not."""
    requested, priority = layer(variables)
    if requested == "ompsafe" or (requested == "default" and "ompsafe" in priority):
        return "ompsafe"
    as_omp = variables.get("NUMBA_OMPSAFE_AS_OMP") == "1"
    return "omp" if as_omp and requested in MAY_BE_OMP else None


def openmp_number(value: str) -> int | None:
    """Return a number of threads as runtimes read one; None for a value that they refuse."""
    match = _NUMBER.fullmatch(value)
    number = int(match[1]) if match else 0
    return min(number, INT_MAX) if 0 < number < 2**63 else None


def count_as_numba_reads_it(value: str) -> int | None:
    """Return the number, 0 for one below 1; None for a value that Numba does not take for one."""
    try:
        return max(min(int(value), INT_MAX), 0)
    except ValueError:
        return None
