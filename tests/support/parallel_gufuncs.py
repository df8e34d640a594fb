"""Launches of parallel gufuncs of every shape: CASES, to be run by took_part.by_case."""

import numpy as np
from numba import guvectorize
from took_part import mark, threads_of


def _parallel(signature, layout):
    return guvectorize([f"void({signature})"], layout, target="parallel", cache=True)


@_parallel("int64, int64[:]", "()->()")
def of_scalar(a, out):
    out[0] = mark(a)


@_parallel("int64, int64, int64[:]", "(),()->()")
def of_scalars(a, b, out):
    out[0] = mark(a + b)


@_parallel("int64[:], int64[:]", "(n)->()")
def row_sum(x, out):
    out[0] = mark(x.sum())


@_parallel("int64[:], int64[:], int64[:]", "(n),(n)->()")
def dot(x, y, out):
    out[0] = mark((x * y).sum())


@_parallel("int64[:], int64, int64[:]", "(n),()->(n)")
def scaled(x, a, out):
    for i in range(x.size):
        out[i] = mark(x[i] * a)


@_parallel("int64[:], int64[:]", "(n)->(n)")
def copied(x, out):
    for i in range(x.size):
        out[i] = mark(x[i])


@_parallel("int64[:,:], int64[:], int64[:]", "(m,n),(n)->(m)")
def matrix_by_vector(a, x, out):
    for i in range(a.shape[0]):
        out[i] = mark((a[i] * x).sum())


@_parallel("int64[:], int64[:], int64[:,:]", "(m),(n)->(m,n)")
def products(x, y, out):
    for i in range(x.size):
        for j in range(y.size):
            out[i, j] = mark(x[i] * y[j])


@_parallel("int64[:], int64[:], int64[:]", "(n)->(),(n)")
def sum_and_copy(x, total, out):
    total[0] = mark(x.sum())
    for i in range(x.size):
        out[i] = mark(x[i])


@_parallel("int64[:], int64[:], int64[:]", "(n),(m)->()")
def sizes(x, y, out):
    out[0] = mark(x.size + 10 * y.size)


def _rows(n, width=3):
    return np.arange(16 * n * width).reshape(16 * n, width)


def _of(width, function, expected):
    """Call on so many rows of that width."""
    return lambda n: threads_of(function(_rows(n, width)), expected(_rows(n, width)))


def _out(n):
    x, out = _rows(n), np.zeros(16 * n, np.int64)
    row_sum(x, out)
    return threads_of(out, x.sum(axis=1))


def _lambda_in_a_loop(n):
    x, out = _rows(n), np.zeros(16 * n, np.int64)
    call = lambda x=x, out=out: row_sum(x, out=out)  # noqa: E731
    found = []
    for _ in range(5):
        out[:] = 0
        call()
        found.append(threads_of(out, x.sum(axis=1)))
    return min(found)


def _matrices(n):
    a = np.arange(16 * n * 2 * 3).reshape(-1, 2, 3)
    return threads_of(matrix_by_vector(a, np.arange(3)), a @ np.arange(3))


def _two_outputs(n):
    x = _rows(n)
    totals, copies = sum_and_copy(x)
    return min(threads_of(totals, x.sum(axis=1)), threads_of(copies, x))


def _no_length(first, second):
    """Neither the one without a length nor the other keeps the outer loop from its threads."""

    def case(n):
        x, y = np.zeros((16 * n, first), np.int64), np.zeros((16 * n, second), np.int64)
        return threads_of(sizes(x, y), first + 10 * second)

    return case


def _total(x):
    return x.sum(axis=1)


CASES = {
    "()->()": _of(1, lambda x: of_scalar(x[:, 0]), lambda x: x[:, 0]),
    "(),()->()": _of(2, lambda x: of_scalars(x[:, 0], x[:, 1]), _total),
    "(),()->(), one is broadcast": _of(1, lambda x: of_scalars(x[:, 0], 7), lambda x: x[:, 0] + 7),
    "(n)->()": _of(3, row_sum, _total),
    "(n)->(), of length 1": _of(1, row_sum, _total),
    "(n)->(), of length 0": _of(0, row_sum, _total),
    "(n),(n)->()": _of(3, lambda x: dot(x, x), lambda x: (x * x).sum(axis=1)),
    "(n),(n)->(), one is broadcast": _of(3, lambda x: dot(x, [1, 1, 1]), _total),
    "(n),()->(n)": _of(2, lambda x: scaled(x, 2), lambda x: 2 * x),
    "(n)->(n)": _of(2, copied, lambda x: x),
    "(n)->(n), of length 1": _of(1, copied, lambda x: x),
    "(m,n),(n)->(m)": _matrices,
    "(m),(n)->(m,n)": _of(2, lambda x: products(x, x), lambda x: x[:, :, None] * x[:, None]),
    "(n)->(),(n)": _two_outputs,
    "(n),(m)->(), the first of length 0": _no_length(0, 2),
    "(n),(m)->(), the second of length 0": _no_length(2, 0),
    "(n),(m)->(), both of length 0": _no_length(0, 0),
    "(n),(m)->(), both of length 1": _no_length(1, 1),
    "out": _out,
    "lambda in a loop": _lambda_in_a_loop,
    "axis=": _of(3, lambda x: row_sum(x.T, axis=0), _total),
    "cast inputs": _of(3, lambda x: row_sum(x.astype(np.int16)), _total),
    "not contiguous": _of(6, lambda x: row_sum(x[::2, ::2]), lambda x: x[::2, ::2].sum(axis=1)),
    "2-d loop": _of(3, lambda x: row_sum(x.reshape(2, -1, 3)).ravel(), _total),
}
