"""Launches of parallel ufuncs in every way to call one: CASES, to be run by took_part.by_case.

Numba's ufuncs take no where=, and a parallel one has no right reduce, under any layer.
"""

from functools import reduce
from operator import add

import numpy as np
from numba import vectorize
from took_part import mark, threads_of


def _parallel(*signatures):
    return vectorize(list(signatures), target="parallel", cache=True)


@_parallel("int64(int64)")
def of_1(a):
    return mark(a)


@_parallel("int64(int64, int64)", "float64(float64, float64)")
def of_2(a, b):
    return mark(a + b)


@_parallel("int64(int64, int64, int64)")
def of_3(a, b, c):
    return mark(a + b + c)


@_parallel("int64(int64, int64, int64, int64)")
def of_4(a, b, c, d):
    return mark(a + b + c + d)


UFUNCS = (of_1, of_2, of_3, of_4)


def _numbers(*shape, dtype=np.int64):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def _inputs(ufunc, n):
    return [_numbers(16 * n) + i for i in range(ufunc.nin)]


def _plain(ufunc):
    def case(n):
        inputs = _inputs(ufunc, n)
        return threads_of(ufunc(*inputs), reduce(add, inputs))

    return case


def _out(ufunc):
    def case(n):
        inputs = _inputs(ufunc, n)
        out, positional = np.zeros((2, 16 * n), np.int64)
        assert ufunc(*inputs, out=out) is out
        ufunc(*inputs, positional)
        expected = reduce(add, inputs)
        return min(threads_of(out, expected), threads_of(positional, expected))

    return case


def _lambda_in_a_loop(ufunc):
    def case(n):
        inputs = _inputs(ufunc, n)
        out = np.zeros_like(inputs[0])
        call = lambda inputs=inputs, out=out: ufunc(*inputs, out)  # noqa: E731
        found = []
        for _ in range(5):
            out[:] = 0
            call()
            found.append(threads_of(out, reduce(add, inputs)))
        return min(found)

    return case


def _of(make, call, expected):
    """Call on what make(n) returns."""

    def case(n):
        inputs = make(n)
        return threads_of(call(*inputs), expected(*inputs))

    return case


def _cast_in_pieces(n):
    """NumPy makes a launch of as much as its buffer holds."""
    x = _numbers(64 * n, dtype=np.int32)
    former = np.setbufsize(16 * n)
    marked = of_2(x, x)
    np.setbufsize(former)
    return min(map(threads_of, marked.reshape(4, -1), 2 * x.reshape(4, -1)))


def _cast_output(n):
    x = _numbers(16 * n)
    out = np.zeros(16 * n)
    of_2(x, x, out=out, dtype=np.int64, casting="unsafe")
    return threads_of(out, 2 * x)


def _one(n, **kind):
    return [_numbers(16 * n, **kind)]


CASES = {
    f"{ufunc.nin} inputs, {name}": style(ufunc)
    for name, style in {
        "plain": _plain,
        "out": _out,
        "lambda in a loop": _lambda_in_a_loop,
    }.items()
    for ufunc in UFUNCS
} | {
    "floats": _of(lambda n: _one(n, dtype=np.float64), lambda x: of_2(x, x), lambda x: 2 * x),
    "dtype=": _of(_one, lambda x: of_2(x, x, dtype=np.float64), lambda x: 2 * x),
    "signature=": _of(_one, lambda x: of_2(x, x, signature="dd->d"), lambda x: 2 * x),
    "scalar on the left": _of(_one, lambda x: of_2(3, x), lambda x: 3 + x),
    "scalar on the right": _of(_one, lambda x: of_2(x, np.int64(3)), lambda x: x + 3),
    "all inputs broadcast but one": _of(_one, lambda x: of_4(1, x, 2, 3), lambda x: x + 6),
    "every other": _of(lambda n: [_numbers(32 * n)[::2]], of_1, lambda x: x),
    "backwards": _of(lambda n: [_numbers(16 * n)[::-1]], of_1, lambda x: x),
    "2-d": _of(lambda n: [_numbers(3, 16 * n)], of_1, lambda x: x),
    "2-d in Fortran's order": _of(lambda n: [_numbers(3, 16 * n).T], of_1, lambda x: x),
    "2-d, a row and a column": _of(
        lambda n: [_numbers(16 * n), _numbers(3, 1)], of_2, lambda x, y: x + y
    ),
    "outer": _of(lambda n: [_numbers(3), _numbers(16 * n)], of_2.outer, np.add.outer),
    "rows of a larger array": _of(lambda n: [_numbers(3, 32 * n)[:, : 16 * n]], of_1, lambda x: x),
    "cast inputs": _of(
        lambda n: _one(n, dtype=np.int32), lambda x: of_3(x, x, 1), lambda x: 2 * x + 1
    ),
    "inputs of two types": _of(
        lambda n: [_numbers(16 * n), _numbers(16 * n, dtype=np.int32)], of_2, lambda x, y: x + y
    ),
    "cast in pieces": _cast_in_pieces,
    "cast output": _cast_output,
    "bytes in the other order": _of(lambda n: _one(n, dtype=">i8"), of_1, lambda x: x),
}
