"""Kernels whose bits tell where they were cut, and what many calls of each return.

LLVM divides float32 under fastmath by an estimate where it computes vectors, and truly in the
scalars that are left over.
"""

import threading

import numba
import numpy as np
from forks import in_child
from numba import guvectorize, njit, prange, vectorize

FAST = {"fastmath": True, "cache": True}


def _body(x):
    return (x + np.float32(1)) / (x * x + np.float32(3))


_fast, _exact = njit(_body, inline="always", fastmath=True), njit(_body, inline="always")

ufunc = vectorize(["float32(float32)"], target="parallel", fastmath=True)(_body)
exact_ufunc = vectorize(["float32(float32)"], target="parallel")(_body)


@vectorize(["float32(float32, float32)"], target="parallel")
def exact_sum(x, y):
    return x + y


@guvectorize(["void(float32, float32[:])"], "()->()", target="parallel", fastmath=True)
def gufunc(x, out):
    out[0] = (x + np.float32(1)) / (x * x + np.float32(3))


@guvectorize(["void(float32[:], float32[:])"], "(n)->(n)", target="parallel", fastmath=True)
def gufunc_of_rows(x, out):
    for i in range(x.size):
        out[i] = (x[i] + np.float32(1)) / (x[i] * x[i] + np.float32(3))


@guvectorize(["void(float32[:], float32[:])"], "(n)->()", target="parallel")
def exact_gufunc(x, out):
    total = np.float32(0)
    for i in range(x.size):
        total += (x[i] + np.float32(1)) / (x[i] * x[i] + np.float32(3))
    out[0] = total


@njit(parallel=True, **FAST)
def expression(x):
    return (x + np.float32(1)) / (x * x + np.float32(3))


@njit(parallel=True, **FAST)
def expression_2d(x):
    return (x + np.float32(1)) / (x * x + np.float32(3))


@njit(parallel=True, **FAST)
def loop(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = (x[i] + np.float32(1)) / (x[i] * x[i] + np.float32(3))
    return out


@njit(parallel=True, **FAST)
def loop_in_loop(x):
    rows = x.size // 7
    out = np.zeros(rows, np.float32)
    for i in prange(rows):
        for j in range(7 * i, 7 * i + i % 8):
            out[i] += (x[j] + np.float32(1)) / (x[j] * x[j] + np.float32(3))
    return out


@njit(parallel=True, **FAST)
def reduction(x):
    total = np.float32(0)
    for i in prange(x.size):
        total += (x[i] + np.float32(1)) / (x[i] * x[i] + np.float32(3))
    return total


@njit(parallel=True, **FAST)
def nested(x):
    out = np.empty((3, x.size), np.float32)
    for i in prange(3):
        out[i] = loop(x)
    return out


def _chunks(x):
    with numba.parallel_chunksize(max(1, x.size // 57)):
        return loop(x)


def _special(x):
    """Return the numbers with some of them not a number, each with bits of its own."""
    bits = x.copy().view(np.uint32)
    bits[:: 1 + x.size // 50] |= 0x7FC00000
    return bits.view(np.float32)


KINDS = {
    "ufunc": ufunc,
    "exact ufunc": lambda x: exact_ufunc(_special(x)),
    "exact ufunc of two": lambda x: exact_sum(_special(x), _special(x[::-1])),
    "strided ufunc": lambda x: ufunc(x[::3]),
    "gufunc": gufunc,
    "gufunc of rows": lambda x: gufunc_of_rows(x[: x.size // 10 * 10].reshape(-1, 10)),
    "exact gufunc": lambda x: exact_gufunc(x[: x.size // 10 * 10].reshape(-1, 10)),
    "expression": expression,
    "expression of two dimensions": lambda x: expression_2d(x[: x.size // 10 * 10].reshape(10, -1)),
    "loop": loop,
    "loop in a loop": loop_in_loop,
    "reduction": reduction,
    "nested": nested,
    "chunks": _chunks,
}


def _results(x, calls):
    found = {kind: set() for kind in KINDS}
    for _ in range(calls):
        for kind, call in KINDS.items():
            found[kind].add(hash(np.asarray(call(x)).tobytes()))
    return found


def _on_threads(x, calls):
    found = {kind: set() for kind in KINDS}

    def work():
        for kind, results in _results(x, calls).items():
            found[kind] |= results

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _after_a_fork(x, calls):
    # As lists: JSON has no sets. hash() of bytes is the same in the child.
    listed = in_child(lambda: {k: sorted(v) for k, v in _results(x, calls).items()})
    return {kind: set(results) for kind, results in listed.items()}


def kinds_with_several(n, calls):
    """Return the kinds of kernel that gave several results for n elements, in whatever state."""
    x = np.random.default_rng(n).random(n).astype(np.float32)
    states = (_results, _on_threads, _after_a_fork)
    found = [state(x, max(1, calls // len(states))) for state in states]
    return [kind for kind in KINDS if len(set().union(*(each[kind] for each in found))) > 1]
