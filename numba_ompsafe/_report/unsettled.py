"""What torch is going to make of the main thread's count, where another thread has said it.

torch sets nthreads-var of a thread at the first parallel operation there, to what the last
``torch.set_num_threads`` of any thread said. So a count that was meant for another thread becomes
the main thread's, if that has not run such an operation yet. Whether it has, torch keeps in a
thread-local flag, and tells nobody: to ask it anything is to have it set. So the flag is read where
it lies: it is the one byte that ``at::get_num_threads()`` changes on a thread where
``at::init_num_threads()`` has set everything else. Where that is not so, nothing is concluded.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from numba_ompsafe import _runtime, _torch
from numba_ompsafe._report.elf import Elf, ElfError
from numba_ompsafe._report.icvs import nthreads_var

_LIBRARY = "libtorch_cpu.so"
_INIT_NUM_THREADS = "_ZN2at16init_num_threadsEv"
_GET_NUM_THREADS = "_ZN2at15get_num_threadsEv"
_GET_THREAD_NUM = "_ZN2at14get_thread_numEv"  # reads another thread-local variable

_RTLD_DI_TLS_DATA = 10


def count_to_come(runtime: str | None) -> int | None:
    """Return the count that torch's next parallel operation is going to set on this thread.

    None where that is the count that it has; where torch has set it already; where no other
    thread's ``torch.set_num_threads`` says so; on other threads than the main one, which begin with
    what was said elsewhere; and where it cannot be told.

    Args:
        runtime: the path of the one that torch's regions run on, if there is one.
    """
    if runtime is None or not _torch.loaded() or threading.get_native_id() != os.getpid():
        return None
    new = _on_new_thread(lambda: _plan(runtime))
    if new is None or not new.was_told or new.threads == nthreads_var(runtime):
        return None
    return new.threads if _has_set_count() is False else None


class _Plan(NamedTuple):
    """What torch makes of a new thread, and whether ``torch.set_num_threads`` says so."""

    threads: int
    was_told: bool


def _plan(runtime: str) -> _Plan:
    initial = nthreads_var(runtime)
    count = int(sys.modules["torch"].get_num_threads())
    has_mkl = hasattr(_runtime.loaded(_LIBRARY), "MKL_Set_Num_Threads_Local")
    # Without MKL, torch's own default is what the runtime has.
    return _Plan(count, _torch.set_mkl_count(0) != 0 if has_mkl else count != initial)


def _has_set_count() -> bool | None:
    """Return whether torch has set the count of this thread; None where that cannot be told."""
    library = _runtime.loaded(_LIBRARY)
    functions = (_INIT_NUM_THREADS, _GET_NUM_THREADS, _GET_THREAD_NUM)
    if library is None or not all(hasattr(library, name) for name in functions):
        return None
    size = _size_of_variables(library)
    offset = _on_new_thread(lambda: _offset_of_flag(library, size)) if size else None
    if offset is None:
        return None
    here = _variables(library, size)
    return here is not None and here[offset] != 0


def _offset_of_flag(library: ctypes.CDLL, size: int) -> int | None:
    """Return where the flag is, to be called on a thread that torch has not run on."""
    library[_GET_THREAD_NUM]()
    library[_INIT_NUM_THREADS]()
    before = _variables(library, size)
    library[_GET_NUM_THREADS]()
    after = _variables(library, size)
    if before is None or after is None:
        return None
    changed = [i for i in range(size) if before[i] != after[i]]
    if len(changed) != 1 or (before[changed[0]], after[changed[0]]) != (0, 1):
        return None
    return changed[0]


def _variables(library: ctypes.CDLL, size: int) -> bytes | None:
    """Return the library's thread-local variables of this thread; None if it has none yet."""
    start = ctypes.c_void_p()
    handle = ctypes.c_void_p(library._handle)
    if ctypes.CDLL(None).dlinfo(handle, _RTLD_DI_TLS_DATA, ctypes.byref(start)) != 0:
        return None
    return ctypes.string_at(start.value, size) if start.value else None


def _size_of_variables(library: ctypes.CDLL) -> int:
    from numba_ompsafe import _core

    address = ctypes.cast(library[_GET_NUM_THREADS], ctypes.c_void_p).value or 0
    try:
        with Elf(_core.library_of(address) or "") as file:
            return file.thread_local_size
    except (OSError, ElfError):  # its file is gone
        return 0


def _on_new_thread(function: Callable[[], Any]) -> Any:
    """Return what ``function`` returns on a new thread; None if there is no thread to be had."""
    answers: list[Any] = []
    thread = threading.Thread(
        target=lambda: answers.append(function()), name="numba-ompsafe report", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:  # the interpreter is shutting down, or the system has none to give
        return None
    thread.join()
    return answers[0] if answers else None
