"""What is due in Python before a fork, and when the layer begins to look after forks.

The work is done in ``csrc/module/fork.cpp``: what has to be waited for, in the hook here, without
the GIL; the rest on a handler that must be there before the fork: a program may fork before its
first launch, with a pool that torch has made. So the first ``os.fork`` of a process that is going
to launch on this layer registers it, if the first launch has not.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import Any

from numba_ompsafe._process import layers, start, switches

# The locks of Numba's that a thread holds while it forks.
_held = threading.local()


def handle() -> None:
    """Look after forks from now on. Does nothing if that has begun.

    Raises:
        ValueError: ``NUMBA_OMPSAFE_FORK`` has a value that means nothing.
    """
    from numba_ompsafe import _core

    _core.handle_forks(switches.handle_forks(), start.may_have_lost_pools(), _newer_than_fork())


def before_fork() -> None:
    """Look after this fork, and all later ones, if this process is going to launch here.

    Raises:
        ValueError: a variable of this package's has a value that means nothing; the launch says so.
    """
    if layers.may_launch():
        handle()
        from numba_ompsafe import _core

        _core.before_fork()
        _wait_for_torchs_first_operation()


def _wait_for_torchs_first_operation() -> None:
    """Wait while another thread finds out, in torch's first operation, what the processor can do.

    Torch does that once, under a lock of C++'s that a child forked meanwhile finds taken for ever.
    """
    torch = sys.modules.get("torch")
    with suppress(AttributeError):  # no torch, or one that is being imported
        torch.backends.cpu.get_cpu_capability()  # type: ignore[union-attr]


def hold_numbas_locks_at_forks(parallel: Any) -> None:
    """Hold the locks of Numba's at every fork, so that no child is born with one taken.

    Another thread may have them: the compiler's, to compile or to call a function for the first
    time, and the one that layers are launched under. That thread does not exist in the child, which
    then could do neither.

    To be called when Numba is imported: Python calls what was registered last first, and a thread
    that compiles takes locks that others hold at a fork in the same way. ``logging`` is one, and
    Numba imports it; its lock must come after the compiler's here, too.

    Args:
        parallel: ``numba.np.ufunc.parallel``.
    """
    from numba.core.compiler_lock import global_compiler_lock

    # In the order in which a compilation that launches takes them.
    locks = (global_compiler_lock, parallel._backend_init_thread_lock)

    def hold() -> None:
        _held.locks = []
        try:
            if not (layers.may_launch() and switches.handle_forks()):
                return
        except Exception:
            # Nonsense in a variable; or the interpreter is shutting down and modules are gone.
            return
        for lock in locks:
            lock.acquire()
            _held.locks.append(lock)

    def let_go() -> None:
        while getattr(_held, "locks", None):
            _held.locks.pop().release()

    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=let_go)


def _newer_than_fork() -> str | None:
    """Torch's folder, if torch and the runtime in its wheel came after the fork, else None."""
    if not start.torch_is_newer() or "LD_PRELOAD" in os.environ:
        return None
    folders = getattr(sys.modules.get("torch"), "__path__", None)
    return os.path.join(folders[0], "") if folders else None
