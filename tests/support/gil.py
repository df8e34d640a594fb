"""Launches that a process makes while another of its threads holds the GIL, or waits for it.

What waits, waits for a semaphore of the C library's: who should be waited for and cannot come, for
want of the GIL, is waited for until the test's timeout. A *pair* is an array of the addresses of
two semaphores and of room for results.
"""

import ctypes
import sys
import threading

import numpy as np
from numba import carray, cfunc, guvectorize, njit, objmode, prange, types, vectorize
from took_part import here, threads_in

libc = ctypes.CDLL(None)  # without the GIL
libc.sem_init.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint)
libc.sem_wait.argtypes = libc.sem_post.argtypes = (ctypes.c_void_p,)

_sem_wait = types.ExternalFunction("sem_wait", types.int32(types.uintp))
_sem_post = types.ExternalFunction("sem_post", types.int32(types.uintp))

FLAT, NESTED, OUTER, INNER = 2000, 100, 6, 16
_memory = []


def make_pair():
    """Return a pair, whose semaphores are at zero."""
    memory = np.zeros(64, np.uintp)
    _memory.append(memory)  # for ever: whoever is woken by a semaphore may still look at it
    pair = np.zeros(2 + 1 + OUTER, np.uintp)
    pair[:2] = memory.ctypes.data, memory[32:].ctypes.data
    for semaphore in pair[:2]:
        assert libc.sem_init(int(semaphore), 0, 0) == 0
    return pair


@njit(parallel=True, nogil=True, cache=True)
def flat(x):
    for i in prange(x.size):
        x[i] += 1


@njit(parallel=True, nogil=True, cache=True)
def nested(x, threads):
    for i in prange(x.shape[0]):
        threads[i] = here()
        flat(x[i])


@njit(nogil=True, cache=True)
def launch_a_lot(pair, nested_too):
    """Launch between a wait for the first semaphore and a post of the second."""
    x, y, threads = np.zeros(64), np.zeros((OUTER, INNER)), pair[3:]
    _sem_wait(pair[0])
    for _ in range(FLAT):
        flat(x)
    if nested_too:
        for _ in range(NESTED):
            nested(y, threads)
    _sem_post(pair[1])
    pair[2] = x.sum() + y.sum()


def hold_the_gil_meanwhile(pair):
    """Post the first semaphore and wait for the second, with the GIL held all the time."""

    @cfunc(types.void(types.CPointer(types.uintp)))
    def post_and_wait(at):
        semaphores = carray(at, 2)
        _sem_post(semaphores[0])
        _sem_wait(semaphores[1])

    ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(post_and_wait.address)(pair.ctypes.data)


def on_a_python_thread(function, *arguments):
    """Return a thread that has been started, to be joined."""
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    return thread


class OnACThread:
    """A thread of which Python knows nothing calls a cfunc with a pair."""

    def __init__(self, callback, pair):
        self._thread = ctypes.c_ulong()
        body, argument = ctypes.c_void_p(callback.address), ctypes.c_void_p(pair.ctypes.data)
        assert libc.pthread_create(ctypes.byref(self._thread), None, body, argument) == 0

    def join(self):
        assert libc.pthread_join(self._thread, None) == 0


def launch_a_lot_on_a_c_thread(pair, nested_too):
    """Return the thread that does, to be joined."""

    @cfunc(types.void(types.CPointer(types.uintp)))
    def body(at):
        launch_a_lot(carray(at, 3 + OUTER), nested_too)

    return OnACThread(body, pair)


def while_the_gil_is_held(start, nested_too=True):
    """Have a thread launch while this one holds the GIL; return how many threads took part."""
    launch_a_lot.compile((types.Array(types.uintp, 1, "C"), types.boolean))
    pair = make_pair()
    thread = start(pair, nested_too)
    hold_the_gil_meanwhile(pair)
    thread.join()
    assert pair[2] == FLAT * 64 + nested_too * NESTED * OUTER * INNER
    return threads_in(pair[3:]) if nested_too else None


@njit(nogil=True, cache=True)
def _meet(first, second, index):
    if index == 0:
        _sem_post(first)
        _sem_wait(second)


@njit(parallel=True, cache=True)
def meet_in_prange(pair, x):
    for i in prange(x.size):
        _meet(pair[0], pair[1], i)
        x[i] += 1


@vectorize(["int64(uintp, uintp, int64)"], target="parallel", cache=True)
def meet_in_ufunc(first, second, index):
    _meet(first, second, index)
    return index + 1


@guvectorize(["(uintp[:], int64, int64[:])"], "(n),()->()", target="parallel", cache=True)
def meet_in_gufunc(pair, index, out):
    _meet(pair[0], pair[1], index)
    out[0] = index + 1


def _meet_in_a_callback():
    @cfunc(types.void(types.CPointer(types.uintp)))
    def callback(at):
        meet_in_prange(carray(at, 2), carray(at, 3)[2:])

    return callback


def _from_a_callback(kind):
    def case(pair):
        callback = _meet_in_a_callback()
        kind(None, ctypes.c_void_p)(callback.address)(pair.ctypes.data)
        return [pair[2]]

    return case


def _prange(pair):
    x = np.zeros(64, np.int64)
    meet_in_prange(pair, x)
    return x


# Each launches where the GIL is held, but for the second ufunc and the second callback: NumPy
# gives it up where there is much to do, and a CFUNCTYPE before its call.
MEETINGS = {
    "prange": _prange,
    "ufunc": lambda pair: meet_in_ufunc(*pair[:2], np.arange(64)) - np.arange(64),
    "ufunc of many": lambda pair: meet_in_ufunc(*pair[:2], np.arange(5000)) - np.arange(5000),
    "gufunc": lambda pair: meet_in_gufunc(pair, np.arange(64)) - np.arange(64),
    "callback with the GIL": _from_a_callback(ctypes.PYFUNCTYPE),
    "callback without": _from_a_callback(ctypes.CFUNCTYPE),
}


def with_python_beside(launch):
    """Launch a kernel that waits until a Python thread has come by; return how far that came."""
    pair, steps = make_pair(), []

    def beside():
        libc.sem_wait(int(pair[0]))
        steps.extend(range(1000))
        libc.sem_post(int(pair[1]))

    thread = on_a_python_thread(beside)
    result = launch(pair)
    thread.join()
    assert all(value == 1 for value in result)
    return len(steps)


def run_in_a_sub_interpreter(code, own_gil):
    """Run it on this thread, in an interpreter with the same GIL or, from 3.13 on, its own."""
    if sys.version_info >= (3, 13):
        import _interpreters as interpreters

        interpreter = interpreters.create("isolated" if own_gil else "legacy")
    else:
        import _xxsubinterpreters as interpreters

        interpreter = interpreters.create(isolated=False)
    assert interpreters.run_string(interpreter, code) is None
    interpreters.destroy(interpreter)


def _call_in_a_sub_interpreter(kind, callback, argument, own_gil):
    call = f"ctypes.{kind}(None, ctypes.c_void_p)({callback.address})({argument.ctypes.data})"
    run_in_a_sub_interpreter(f"import ctypes; {call}", own_gil)


def meet_in_a_sub_interpreter(kind, own_gil):
    """Return a launch for with_python_beside; kind is ctypes' CFUNCTYPE or PYFUNCTYPE."""

    def case(pair):
        _call_in_a_sub_interpreter(kind, _meet_in_a_callback(), pair, own_gil)
        return [pair[2]]

    return case


def launch_in_a_sub_interpreter(kind):
    """Return what the launch has made of 64 zeros."""

    @cfunc(types.void(types.CPointer(types.int64)))
    def callback(at):
        flat(carray(at, 64))

    x = np.zeros(64, np.int64)
    _call_in_a_sub_interpreter(kind, callback, x, own_gil=False)
    return x.tolist()


@njit(cache=True)
def _in_python(i):
    with objmode(length="int64"):
        length = len([None] * i)
    return length


@njit(parallel=True, nogil=True, cache=True)
def python_in_prange(x):
    for i in prange(x.size):
        here()
        x[i] += _in_python(i)


@njit(parallel=True, nogil=True, cache=True)
def _python_in_nested_prange(x):
    for i in prange(x.shape[0]):
        here()
        python_in_prange(x[i])


@njit(cache=True)
def _python_in_prange_with_the_gil(x):
    for row in x:
        python_in_prange(row)


def _on_a_python_thread(x):
    on_a_python_thread(_python_in_nested_prange, x).join()


def _on_a_c_thread(x):
    @cfunc(types.void(types.CPointer(types.int64)))
    def body(at):
        _python_in_nested_prange(carray(at, (OUTER, INNER)))

    OnACThread(body, x).join()


# Each has kernels run Python code on all threads.
PYTHON_IN_KERNELS = {
    "with the GIL": _python_in_prange_with_the_gil,
    "without": _python_in_nested_prange,
    "on a thread of Python's": _on_a_python_thread,
    "on a thread of C's": _on_a_c_thread,
}


def python_in_kernels(launch):
    """Launch some times; return whether all is right and nothing is left: references, threads."""
    x = np.zeros((OUTER, INNER), np.int64)
    references, threads = sys.getrefcount(x), len(sys._current_frames())
    for _ in range(10):
        launch(x)
    assert (x == 10 * np.arange(INNER)).all()
    return sys.getrefcount(x) == references and len(sys._current_frames()) == threads
