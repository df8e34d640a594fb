"""Processes that end while threads of theirs launch, each forked from one that launches nothing.

A child's interpreter ends as any other's does, or by os._exit.
"""

import ctypes
import gc
import os
import sys
import threading
import time
from contextlib import suppress

import kernels
import numba
import numpy as np

for kernel, signature in (
    (kernels.ids_and_masks, "(int64,)"),
    (kernels.total, "(float64[::1],)"),
    (kernels.nested_ids, "(int64, int64)"),
):
    kernel.compile(signature)

_X = np.arange(1000.0)


def _nested():
    kernels.nested_ids(4, 4)


def _on_new_threads():
    thread = threading.Thread(target=kernels.launch, daemon=True)
    thread.start()
    thread.join()


WORK = (kernels.launch, _nested, lambda: kernels.total(_X), _on_new_threads)


def _for_ever(work, begun):
    with suppress(RuntimeError):  # Python starts no threads any more
        while True:
            work()
            begun.set()


def _start_daemons(number):
    begun = []
    for i in range(number):
        begun.append(threading.Event())
        arguments = WORK[i % len(WORK)], begun[-1]
        threading.Thread(target=_for_ever, args=arguments, daemon=True).start()
    for event in begun:
        assert event.wait(60)


def _end_of_interpreter():
    sys.exit(7)


def _exit_here():
    os._exit(7)


def _exit_on_a_thread():
    threading.Thread(target=os._exit, args=(7,)).start()
    time.sleep(60)


def _exit_of_c_on_a_thread():
    """The C library's, which calls what is to be called at the end."""
    libc = ctypes.CDLL(None)
    threading.Thread(target=libc.exit, args=(7,)).start()
    time.sleep(60)


ENDS = {
    "end of the interpreter": _end_of_interpreter,
    "os._exit": _exit_here,
    "os._exit on a thread": _exit_on_a_thread,
    "exit of C's on a thread": _exit_of_c_on_a_thread,
}


def run(times, daemons=4):
    """Have children with daemon threads that launch end in each way, so many times.

    To be called last in a program: a child goes on to its end. Returns in the parent, with the
    statuses of the children, by the way in which they ended.
    """
    gc.freeze()  # what a child need not look through at its end
    return {end: sorted({_status(end, i, daemons) for i in range(times)}) for end in ENDS}


def _status(end, i, daemons):
    def child():
        numba.set_num_threads(2 + i % 3)
        _start_daemons(daemons)
        time.sleep(0.003 * (i % 7))
        ENDS[end]()

    return status(child)


def status(child):
    """Return the status of a child that calls child(), which ends it."""
    pid = os.fork()
    if pid == 0:
        child()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
