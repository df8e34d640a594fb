"""Launches of parallel=True functions of every kind: CASES, to be run by took_part.by_case."""

import ctypes

import forks
import kernels
import numba
import numpy as np
from numba import carray, cfunc, int64, njit, prange, types, vectorize
from system_calls import usleep
from took_part import here, mark, threads_in, threads_of


@njit(parallel=True, cache=True)
def over_space(threads):
    for index in numba.pndindex(threads.shape):
        threads[index] = here()


@njit(parallel=True, cache=True)
def over_range(threads):
    for i in prange(threads.size):
        threads[i] = here()


@njit(parallel=True, cache=True)
def over_unsigned(threads):
    for i in prange(np.uint64(threads.size)):
        threads[i] = here()


@njit(parallel=True, cache=True)
def total(x, zero, threads):
    acc = zero
    for i in prange(x.size):
        threads[i] = here()
        acc += x[i]
    return acc


@njit(parallel=True, cache=True)
def product(x, one, threads):
    acc = one
    for i in prange(x.size):
        threads[i] = here()
        acc *= x[i]
    return acc


@njit(parallel=True, cache=True)
def smallest(x, first, threads):
    acc = first
    for i in prange(x.size):
        threads[i] = here()
        acc = min(acc, x[i])
    return acc


@njit(parallel=True, cache=True)
def largest(x, first, threads):
    acc = first
    for i in prange(x.size):
        threads[i] = here()
        acc = max(acc, x[i])
    return acc


@njit(parallel=True, cache=True)
def total_of_rows(x, threads):
    acc = np.zeros(x.shape[1], x.dtype)
    for i in prange(x.shape[0]):
        threads[i] = here()
        acc += x[i]
    return acc


@vectorize(cache=True)
def _marked(value):
    return mark(value)


@njit(parallel=True, cache=True)
def expression(x, y):
    return _marked(x + 2 * y)


@njit(parallel=True, cache=True)
def expressions_in_a_row(x, y):
    z = _marked(x + y)
    return z, _marked(x[1:] - y[:-1])


@njit(parallel=True, cache=True)
def comprehension(n):
    return np.array([_marked(i) for i in range(n)])


@njit(parallel=True, cache=True)
def nested(outer, inner):
    for i in prange(outer.size):
        outer[i] = here()
        over_range(inner[i])


@njit(parallel=True, cache=True)
def meet(threads, arrived, chunk):
    """Have the first chunks wait until all of them have begun, or for ten seconds in all."""
    for i in prange(threads.size):
        if i % chunk == 0 and i // chunk < arrived.size:
            arrived[i // chunk] = 1
            turns = 0
            while arrived.sum() < arrived.size and turns < 10_000:
                usleep(1000)
                turns += 1
        threads[i] = here()


@njit(nogil=True, cache=True)
def from_compiled_code(threads):
    for i in range(threads.shape[0]):
        over_range(threads[i])


def _space(*shape):
    def case(n):
        threads = np.zeros([size(n) if callable(size) else size for size in shape], np.int64)
        over_space(threads)
        return threads_in(threads)

    return case


def _of_range(function):
    def case(n):
        threads = np.zeros(16 * n + 3, np.int64)
        function(threads)
        return threads_in(threads)

    return case


def _reduction(function, dtype, start, expected):
    def case(n):
        x = (np.arange(16 * n) % 2 + 1).astype(dtype)
        threads = np.zeros(x.size, np.int64)
        assert function(x, dtype(start), threads) == expected(x)
        return threads_in(threads)

    return case


def _total_of_rows(n):
    x = np.arange(48 * n).reshape(-1, 3)
    threads = np.zeros(len(x), np.int64)
    assert (total_of_rows(x, threads) == x.sum(axis=0)).all()
    return threads_in(threads)


def _expression(shape):
    def case(n):
        x = np.arange(np.prod(shape(n))).reshape(shape(n))
        return threads_of(expression(x, x), 3 * x)

    return case


def _expressions_in_a_row(n):
    x = np.arange(16 * n)
    z, shorter = expressions_in_a_row(x, x)
    return min(threads_of(z, 2 * x), threads_of(shorter, 1))


def _nested(n):
    """The outer launch takes all threads, and an inner one whoever has nothing to do."""
    outer, inner = np.zeros(4 * n, np.int64), np.zeros((4 * n, 2 * n), np.int64)
    nested(outer, inner)
    assert set(inner.ravel()) <= forks.tasks()
    return threads_in(outer)


def _inside_of_one_iteration(n):
    outer, inner = np.zeros(1, np.int64), np.zeros((1, 16 * n), np.int64)
    nested(outer, inner)
    return threads_in(inner)


def _chunked(size):
    """Each thread takes a chunk and waits in it for the others."""

    def case(n):
        threads, arrived = np.zeros(16 * n, np.int64), np.zeros(n, np.int64)
        with numba.parallel_chunksize(size):
            meet(threads, arrived, size)
        return threads_in(threads)

    return case


def _all_at_the_same_time(n):
    threads = np.zeros(n, np.int64)
    meet(threads, np.zeros(n, np.int64), 1)
    return threads_in(threads)


def _from_compiled_code(n):
    threads = np.zeros((5, 16 * n), np.int64)
    from_compiled_code(threads)
    return min(threads_in(row) for row in threads)


def _callback():
    """Return a C function that launches; at its argument are a size and as many threads."""

    @cfunc(types.void(types.CPointer(int64)))
    def callback(at):
        size = carray(at, 1)[0]
        over_range(carray(at, size + 1)[1:])

    return callback


def _from_a_callback(n):
    threads = np.zeros(16 * n + 1, np.int64)
    threads[0] = 16 * n
    _callback().ctypes(threads.ctypes.data_as(ctypes.POINTER(ctypes.c_int64)))
    return threads_in(threads[1:])


def from_a_foreign_thread(n):
    """Return how many threads take part in a launch on a thread that Python has not started."""
    threads = np.zeros(16 * n + 1, np.int64)
    threads[0] = 16 * n
    callback = _callback()
    libc = ctypes.CDLL(None)
    thread = ctypes.c_ulong()
    body, argument = ctypes.c_void_p(callback.address), ctypes.c_void_p(threads.ctypes.data)
    assert libc.pthread_create(ctypes.byref(thread), None, body, argument) == 0
    assert libc.pthread_join(thread, None) == 0
    return threads_in(threads[1:])


def _again_and_again(n):
    threads = np.zeros(16 * n, np.int64)
    seen = []
    for _ in range(20):
        threads[:] = 0
        over_range(threads)
        seen.append(threads_in(threads))
    return min(seen)


def _ids(n):
    ids, masks = kernels.ids_and_masks(16 * n)
    assert (masks == n).all()
    return len(np.unique(ids))


CASES = {
    "range": _of_range(over_range),
    "unsigned range": _of_range(over_unsigned),
    "again and again": _again_and_again,
    "ids": _ids,
    "1-d": _space(lambda n: 16 * n),
    "1-d, uneven": _space(lambda n: 15 * n + 1),
    "1-d, an iteration for each thread": _space(lambda n: n),
    "2-d": _space(lambda n: 16 * n, 3),
    "2-d, uneven": _space(3, lambda n: 16 * n + 5),
    "2-d, one of length 1": _space(1, lambda n: 16 * n),
    "3-d": _space(2, lambda n: 16 * n, 3),
    "3-d, two of length 1": _space(lambda n: 16 * n, 1, 1),
    "4-d": _space(2, 3, 1, lambda n: 16 * n),
    "4-d, three of length 1": _space(1, 1, lambda n: 16 * n, 1),
    "int64 +": _reduction(total, np.int64, 0, np.sum),
    "float64 +": _reduction(total, np.float64, 0, np.sum),
    "float32 +": _reduction(total, np.float32, 0, np.sum),
    "complex128 +": _reduction(total, np.complex128, 0, np.sum),
    "float64 *": _reduction(product, np.float64, 1, np.prod),
    "int64 min": _reduction(smallest, np.int64, 9, np.min),
    "float64 max": _reduction(largest, np.float64, 0, np.max),
    "rows +": _total_of_rows,
    "expression": _expression(lambda n: (16 * n,)),
    "2-d expression": _expression(lambda n: (16 * n, 3)),
    "2-d expression, one of length 1": _expression(lambda n: (1, 16 * n)),
    "expressions in a row": _expressions_in_a_row,
    "comprehension": lambda n: threads_of(comprehension(16 * n), np.arange(16 * n)),
    "nested": _nested,
    "inside of one iteration": _inside_of_one_iteration,
    "all at the same time": _all_at_the_same_time,
    "chunks of 1": _chunked(1),
    "chunks of 2": _chunked(2),
    "from compiled code": _from_compiled_code,
    "from a callback": _from_a_callback,
}
