"""What is due in Python before a fork, and when the layer begins to look after forks.

The work is done in ``csrc/fork.cpp``, on handlers that must be there before the fork: a program may
fork before its first launch, with a pool that torch has made. So the first ``os.fork`` of a process
that is going to launch on this layer registers them, if the first launch has not.
"""

import os
import sys
from contextlib import suppress
from typing import Any

from numba_ompsafe import _registration, _startup

_VARIABLE = "NUMBA_OMPSAFE_FORK"
_VALUES = {"": True, "0": False, "1": True}

# Numba's compiler lock, where a fork in this process is under way and holds it.
_held: Any = None


def handled() -> bool:
    """Whether the environment leaves forks to this layer: unless ``NUMBA_OMPSAFE_FORK=0``.

    Raises:
        ValueError: the variable has a value that means nothing.
    """
    value = os.environ.get(_VARIABLE, "")
    if value not in _VALUES:
        raise ValueError(
            f"{_VARIABLE}={value!r} is not understood: set it to 0 to leave OpenMP's thread pools "
            "alone at a fork (a forked process then runs parallel Numba code on one thread), to 1 "
            "or not at all to have them end and come anew"
        )
    return _VALUES[value]


def handle() -> None:
    """Look after forks from now on. Does nothing if that has begun.

    Raises:
        ValueError: as :func:`handled`.
    """
    from numba_ompsafe import _core

    _core.handle_forks(handled(), _newer_than_fork())


def before_fork() -> None:
    """Begin to look after forks if this process is going to launch here."""
    if _registration.may_launch():
        # Nonsense in the variable is for the launch to tell.
        with suppress(ValueError):
            handle()


def hold_compiler_lock_at_forks() -> None:
    """Hold Numba's compiler lock at every fork, so that no child is born with it taken.

    Another thread may have it, to compile or to call a function for the first time. That thread
    does not exist in the child, which then could compile nothing.

    To be called when Numba is imported: Python calls what was registered last first, and a thread
    that compiles takes locks that others hold at a fork in the same way. ``logging`` is one, and
    Numba imports it; its lock must come after the compiler's here, too.
    """
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)


def _hold() -> None:
    global _held
    try:
        if not (_registration.may_launch() and handled()):
            return
    except ValueError:
        return
    from numba.core.compiler_lock import global_compiler_lock

    global_compiler_lock.acquire()
    _held = global_compiler_lock


def _let_go() -> None:
    global _held
    if _held is not None:
        lock, _held = _held, None
        lock.release()


def _newer_than_fork() -> str | None:
    """Torch's folder, if torch surely came after the fork that made this process, else None."""
    torch = sys.modules.get("torch")
    folders = getattr(torch, "__path__", None)
    if _startup.torch_at_fork is not False or not folders:
        return None
    return os.path.join(folders[0], "")
