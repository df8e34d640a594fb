"""The layer's warnings: what is severely wrong, once, and what to type.

At the first launch a report, which takes twenty milliseconds, is made only where a first look finds
what severe conflicts of a process on this layer are made of, which takes two. Other processes are
not looked at: the report does that.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from numba_ompsafe._process import layers, libraries, switches
from numba_ompsafe._report.facts.cgroups import tightest_quota
from numba_ompsafe.errors import ThreadConfigWarning

if TYPE_CHECKING:
    from numba_ompsafe._report.record import Conflict

# What says how OpenMP's threads are bound, how they wait, and how many they may be.
_VARIABLES = ("OMP_", "GOMP_", "KMP_")
# threadpoolctl, joblib and scikit-learn set these wherever they are imported.
_SAY_NOTHING = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")

# The frames between the user's code and here belong to these.
_NOT_THE_USERS = ("numba", "numba_ompsafe", "llvmlite", "contextlib", "functools", "importlib")

_told_of_numba = False


def warn_of_severe_conflicts() -> None:
    """Warn of them where the user's code made the first parallel call; do nothing without any.

    To be called with none of the locks held under which layers are launched: a filter or hook of
    the user's may do anything, or turn the warning into an error.

    Raises:
        ValueError: ``NUMBA_OMPSAFE_WARN`` has a value that means nothing.
    """
    if not switches.warn_of_conflicts():
        return
    try:
        found = _severe_conflicts() if _may_be_severe() else []
    except Exception:
        # What a report cannot read is no reason for a launch to fail.
        return
    if found:
        warnings.warn(
            "The thread settings of this process are in conflict:\n"
            + "\n".join(f"  - {one}" for one in found)
            + "\nAll of it: print(numba_ompsafe.report()). "
            "To silence this: NUMBA_OMPSAFE_WARN=0",
            ThreadConfigWarning,
            stacklevel=_level_of_the_users_code(),
        )


def warn_of_unknown_numba(refusal: str) -> None:
    """Warn once, where Numba is imported, that it has not the layer, if that is asked for."""
    global _told_of_numba
    try:
        if _told_of_numba or not (layers.is_requested() and switches.warn_of_conflicts()):
            return
    except ValueError:
        return  # nonsense in a variable, as the report says
    _told_of_numba = True
    warnings.warn(refusal, ThreadConfigWarning, stacklevel=_level_of_the_users_code())


def warn_of_missing_threads() -> None:
    """Warn that a launch could not have its threads. Called once, after that launch.

    The launch may have been one of another thread, and the code that this interrupts any.
    """
    from numba_ompsafe import _core

    shortage = _core.last_shortage()
    if shortage is None or not switches.warn_of_conflicts():
        return
    from numba_ompsafe._report.conflicts import supply

    conflict = supply.conflict(*shortage)
    warnings.warn(
        f"A parallel call of Numba's could not have its threads:\n  - {conflict}"
        "\nTo silence this: NUMBA_OMPSAFE_WARN=0",
        ThreadConfigWarning,
        stacklevel=_level_of_the_users_code(),
    )


def _may_be_severe() -> bool:
    """Whether there are variables of OpenMP's, two runtimes, or more threads than cores."""
    set_here = [name for name in os.environ if name.startswith(_VARIABLES)]
    return (
        any(name not in _SAY_NOTHING for name in set_here)
        or len(libraries.runtimes()) > 1
        or _most_threads() > _usable_cores()
    )


def _most_threads() -> int:
    from numba_ompsafe import _core

    return max(int(sys.modules["numba"].get_num_threads()), _core.pool_size_here())


def _usable_cores() -> float:
    # As Cores.usable, but for binding; to ask the report's own would import all that it needs.
    quota = tightest_quota(Path("/proc/self"), Path("/"))
    affinity = len(os.sched_getaffinity(os.getpid()))
    return min(affinity, quota.cores) if quota else affinity


def _severe_conflicts() -> "list[Conflict]":
    from numba_ompsafe._report import conflicts, here

    return [one for one in conflicts.find(here.this_process()) if one.severity == "severe"]


def _level_of_the_users_code() -> int:
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _package(frame.f_globals) in _NOT_THE_USERS:
        frame = frame.f_back
        # warnings.warn does not count the frames of an import.
        level += not frame.f_code.co_filename.startswith("<frozen importlib._bootstrap")
    return level


def _package(module: dict[str, object]) -> str:
    return str(module.get("__name__", "")).split(".", 1)[0]
