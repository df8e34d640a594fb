"""Parallel ufuncs and gufuncs where elements meet: methods of ufuncs, and outputs over inputs."""

import random
from itertools import product

import numba
import numpy as np
from numba import guvectorize, vectorize

add = vectorize(["int64(int64, int64)"], target="parallel", identity=0)(lambda x, y: x + y)
# Neither associative nor commutative: the order shows.
mix = vectorize(["int64(int64, int64)"], target="parallel")(lambda x, y: 31 * x - (y ^ (x >> 3)))
serial_mix = vectorize(["int64(int64, int64)"])(lambda x, y: 31 * x - (y ^ (x >> 3)))
UFUNCS = ((add, np.add), (mix, serial_mix))


@guvectorize(["void(int64[:], int64[:])"], "(n)->(n)", target="parallel")
def turned(x, out):
    for i in range(x.size):
        out[i] = 3 * x[x.size - 1 - i] + 1


@guvectorize(["void(int64[:], int64[:])"], "(n)->()", target="parallel")
def totals(x, out):
    out[0] = 0
    for i in range(x.size):
        out[0] += x[i]


def _array(draw, dimensions, longest=30_000):
    shape = [draw.randint(1, 6) for _ in range(dimensions)]
    shape[draw.randrange(dimensions)] = draw.choice((1, 7, 500, longest))
    array = np.arange(np.prod(shape)).reshape(shape) % 1009
    array = array.transpose(draw.sample(range(dimensions), dimensions))
    return array[tuple(slice(None, None, draw.choice((1, 1, -1, 2))) for _ in shape)]


def _axis(draw, array):
    return draw.choice((*range(array.ndim), -1))


def reduce(draw, ufunc):
    x = _array(draw, draw.randint(1, 3))
    axis, keepdims = _axis(draw, x), draw.random() < 0.5
    return lambda ufunc=ufunc: ufunc.reduce(x, axis=axis, keepdims=keepdims)


def accumulate(draw, ufunc):
    x = _array(draw, draw.randint(1, 3))
    axis = _axis(draw, x)
    return lambda ufunc=ufunc: ufunc.accumulate(x, axis=axis)


def reduceat(draw, ufunc):
    x = _array(draw, draw.randint(1, 2))
    axis = _axis(draw, x)
    last = x.shape[axis] - 1
    indices = sorted(draw.randint(0, last) for _ in range(draw.randint(1, 5)))
    return lambda ufunc=ufunc: ufunc.reduceat(x, indices, axis=axis)


def at(draw, ufunc):
    x = _array(draw, 1, 2_000)
    indices = np.array([draw.randrange(x.size) for _ in range(50)])

    def call(ufunc=ufunc):
        target = x.copy()
        ufunc.at(target, indices, 5)
        return target

    return call


def outer(draw, ufunc):
    x, y = _array(draw, 1, 300), _array(draw, 1, 300)
    return lambda ufunc=ufunc: ufunc.outer(x, y)


def shifted(draw, ufunc):
    """Write the output over the inputs, somewhere: NumPy makes copies where that matters."""
    n = draw.choice((3, 500, 20_000))
    starts = [draw.randint(0, 40) for _ in range(3)]
    steps = [draw.choice((1, 1, 2, -1)) for _ in range(3)]

    def call(ufunc=ufunc):
        memory = np.arange(2 * n + 45) % 1009
        views = [
            memory[start : start + n * abs(step) : abs(step)][:: 1 if step > 0 else -1]
            for start, step in zip(starts, steps, strict=True)
        ]
        ufunc(*views[:2], out=views[2])
        return memory

    return call


def apart(draw, ufunc):
    """Real and imaginary parts lie between each other, and do not meet."""
    n = draw.choice((3, 500, 20_000))

    def call(ufunc=ufunc):
        memory = np.arange(2 * n).reshape(n, 2)
        ufunc(memory[:, 0], 7, out=memory[:, 1])
        return memory

    return call


METHODS = (reduce, accumulate, reduceat, at, outer)
CALLS = (shifted, apart)  # in which Numba's serial ufuncs go wrong, too: see wrong_outputs


def wrong(seed, calls):
    """Return which methods gave something else than NumPy, in so many calls of each."""
    draw = random.Random(seed)
    found = []
    for method in METHODS + CALLS:
        for number in range(calls):
            numba.set_num_threads(draw.randint(1, 8))
            ours, numpys = UFUNCS[draw.randrange(2) if method in METHODS else 0]
            call = method(draw, ours)
            if not np.array_equal(call(), call(numpys)):
                found.append((method.__name__, number, seed, ours.__name__))
    return found


def wrong_gufuncs(calls):
    """The same of gufuncs whose output lies over their input."""
    found = []
    for number in range(calls):
        numba.set_num_threads(1 + number % 8)
        x = np.arange(6_000).reshape(1_000, 6)
        expected = 3 * x[:-1, ::-1] + 1
        turned(x[:-1], out=x[1:])
        y = np.arange(6_000).reshape(1_000, 6)
        sums = y.sum(axis=1)
        totals(y, out=y[:, 2])
        if not (np.array_equal(x[1:], expected) and np.array_equal(y[:, 2], sums)):
            found.append(number)
    return found


def wrong_outputs():
    """Return the cases in which an output whose elements do not lie side by side went wrong.

    Numba's loop for inputs that do writes as if the output did, too: a serial ufunc goes wrong.
    """
    found = []
    for n, threads, step in product((1, 7, 1_000, 50_000), (1, 2, 5, 8), (-1, -2, 1, 2, 3)):
        numba.set_num_threads(threads)
        x, y = np.arange(n), np.arange(n) % 7
        room = np.full(3 * n + 200, -5)
        expected = room.copy()
        add(x, y, out=room[100:-100][::step][:n])
        np.add(x, y, out=expected[100:-100][::step][:n])
        backwards = np.arange(n)[::-1]
        add(backwards, backwards, out=backwards)
        if not (np.array_equal(room, expected) and np.array_equal(backwards, 2 * x[::-1])):
            found.append((n, threads, step))
    return found
