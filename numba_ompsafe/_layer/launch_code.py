"""What generated code does about the GIL around a launch.

Numba takes the GIL at every launch, to be sure that the thread has one to give up: a thread without
a thread state gets one, and waits for the GIL twice. A launch needs none. So a thread that holds
the GIL gives it up, and one that holds none has nothing to do. Kernels that need it take it.

Code is cached on disk and runs where this package is missing: it calls nothing but what libpython
exports, by the names of the minor version that compiles it, which is part of a cached file's name.
"""

import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.pythonapi import PythonAPI


class LaunchAPI(PythonAPI):  # type: ignore[misc]  # Numba has no types
    """What Numba's code of a launch takes from Python: no GIL, and nothing for it to be released.

    Numba calls these four in turn, the first two before the launch and the others after it.
    """

    def gil_ensure(self) -> None:
        """Take nothing."""

    def save_thread(self) -> Any:
        """Give up the GIL if this thread holds it; the value is its thread state, or NULL."""
        builder = self.builder
        attached = self._attached()
        asked_in = builder.block
        with builder.if_then(attached):
            saved = super().save_thread()
            saved_in = builder.block
        state = builder.phi(self.voidptr)
        state.add_incoming(cgutils.get_null_value(self.voidptr), asked_in)
        state.add_incoming(saved, saved_in)
        return state

    def restore_thread(self, thread_state: Any) -> None:
        """Take the GIL again if it was given up."""
        with self.builder.if_then(cgutils.is_not_null(self.builder, thread_state)):
            super().restore_thread(thread_state)

    def gil_release(self, gil: None) -> None:
        """Release nothing."""

    def _attached(self) -> Any:
        """Whether this thread holds the GIL or, without one, a place among those that run Python.

        From 3.12 on the current thread state is the thread's own. Until then it is the process's,
        and this thread's only if it is the one that belongs here: nobody else makes that one the
        current one, or another in its place while this thread holds the GIL. In a sub-interpreter
        of 3.11 another one may be current here, which cannot be told from one of another thread:
        that launch keeps the GIL, where Numba's own code waits for the GIL that it holds itself.
        """
        current = self._thread_state(
            "PyThreadState_GetUnchecked"
            if sys.version_info >= (3, 13)
            else "_PyThreadState_UncheckedGet"
        )
        attached = cgutils.is_not_null(self.builder, current)
        if sys.version_info < (3, 12):
            own = self._thread_state("PyGILState_GetThisThreadState")
            is_own = self.builder.icmp_unsigned("==", current, own)
            attached = self.builder.and_(attached, is_own)
        return attached

    def _thread_state(self, function: str) -> Any:
        function_type = ir.FunctionType(self.voidptr, [])
        return self.builder.call(self._get_function(function_type, function), [])


def context_of_launches(context: Any) -> Any:
    """Return a copy of a target context of Numba's, in which code of launches can be built."""
    return context.subtarget(get_python_api=lambda builder: LaunchAPI(context, builder))
