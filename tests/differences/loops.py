"""Loops of all index types and bounds; what they write, count, raise and say of their threads."""

import numba
import numpy as np
from numba import njit, prange

from differences.kernels import dtypes, loop

TYPES = ("int64", "uint64", "int32", "uint32", "int16", "uint16", "int8", "uint8")
BOUNDS = [f"{name}, {name}" for name in TYPES]


def _bounds(draw, signature):
    return draw.bounds(dtypes(signature)[0])


def _bounds_and_room(draw, signature):
    return *_bounds(draw, signature), draw.array("int64", draw.size(), STEPS)


STEPS = ("C", "C", "every other", "backwards")


@loop(*BOUNDS, "int64, uint64", "uint64, int64", "int8, int64", "uint8, int64", draw=_bounds)
def count(start, stop):
    counted = 7
    for _ in prange(start, stop):
        counted += 1
    return counted


@loop(*TYPES, draw=lambda draw, signature: (draw.stop(signature),))
def count_to(stop):
    counted = 7.5
    for _ in prange(stop):
        counted += 1
    return counted


@loop("int64", draw=lambda draw, _: (draw.count(),))
def count_to_any(stop):
    counted, twice = 0, 0.0
    for _ in prange(stop):
        counted += 1
        twice += 2.0
    return counted, twice


@loop(*BOUNDS, draw=_bounds)
def sum_of_indices(start, stop):
    total = np.int64(0)
    lowest, highest = np.int64(2**62), np.int64(-(2**62))
    for i in prange(start, stop):
        total += np.int64(i)
        lowest = min(lowest, np.int64(i))
        highest = max(highest, np.int64(i))
    return total, lowest, highest


@loop(*(f"{bounds}, int64[:]" for bounds in BOUNDS), draw=_bounds_and_room)
def mark(start, stop, out):
    for i in prange(start, stop):
        place = np.int64(i) - np.int64(start)
        if 0 <= place < out.size:
            out[place] += np.int64(i) ^ 5


@loop(*(f"{bounds}, int64[:]" for bounds in BOUNDS), draw=_bounds_and_room)
def index_as_float(start, stop, out):
    total = 0.0
    for i in prange(start, stop):
        total += i
        if out.size:
            out[np.int64(i) % out.size] = 3
    return total


def _window(draw, _):
    return draw.array("float64", draw.size(), STEPS), draw.choice((1, 2, 3, 10, 400))


@loop("float64[:], int64", draw=_window)
def windows(x, width):
    out = np.zeros(max(0, x.size - width + 1))
    for i in prange(x.size - width + 1):
        total = 0.0
        for j in range(width):
            total += x[i + j]
        out[i] = total / width
    return out


@loop("float64[:], int64", draw=_window)
def windows_that_count(x, width):
    found = 0
    for i in prange(x.size - width + 1):
        if x[i] > x[i + width - 1]:
            found += 1
    return found


@loop("int64", draw=lambda draw, _: (draw.count(),))
def one_after_the_other(stop):
    first = second = third = 0
    for _ in prange(stop):
        first += 1
    for i in prange(first, stop):
        second += i
    for i in prange(-first, first):
        third -= i
    return first, second, third


def _shape(dimensions):
    def draw(draw, _):
        return tuple(
            draw.choice((-(2**31), -4, -1, 0, 1, 2)) if draw.chance(0.15) else length
            for length in draw.shape(dimensions)
        )

    return draw


@loop("int64, int64", draw=_shape(2))
def pairs(m, n):
    counted, total = 0, 0
    for i in numba.pndindex((m, n)):
        counted += 1
        total += 10 * i[0] - i[1]
    return counted, total


@loop("int64, int64, int64", draw=_shape(3))
def triples(m, n, k):
    counted, total = 0, 0
    for i in numba.pndindex((m, n, k)):
        counted += 1
        total += 100 * i[0] - 10 * i[1] + i[2]
    return counted, total


@loop("int64, int64, int64, int64", draw=_shape(4))
def quadruples(m, n, k, h):
    counted, total = 0, 0
    for i in numba.pndindex((m, n, k, h)):
        counted += 1
        total += 1000 * i[0] - 100 * i[1] + 10 * i[2] - i[3]
    return counted, total


@loop("float64[:,:]", draw=lambda draw, _: (draw.array("float64", draw.shape(2), STRIDED),))
def places(x):
    out = np.zeros_like(x)
    for i in numba.pndindex(x.shape):
        out[i] = x[i] * 2 + i[0]
    return out


STRIDED = ("C", "Fortran", "every other", "backwards")


@loop("int64, int64, int64", draw=lambda draw, _: (draw.count(), draw.size(), draw.size() % 40))
def loops_in_a_loop(stop, m, n):
    total = 0
    for i in prange(min(stop, 300)):
        for j in prange(m % 20):
            for k in range(n):
                total += i * j - k
    return total


@loop("int64, int64", draw=lambda draw, _: (draw.size(), draw.choice((-3, 0, 1, 5))))
def triangle(rows, shift):
    out = np.zeros(max(rows, 0), np.int64)
    for i in prange(rows):
        for j in prange(i - shift, 30 - i):
            out[i] += j
    return out


@loop("int64", draw=lambda draw, _: (draw.count(),))
def per_thread(stop):
    counts = np.zeros(64, np.int64)
    outside = 0
    for _ in prange(stop):
        thread = numba.get_thread_id()
        counts[thread] += 1
        outside += thread < 0 or thread >= numba.get_num_threads()
    return counts.sum(), outside


@loop("int64, int64", draw=lambda draw, _: (draw.size(), draw.random.randint(1, 8)))
def threads_set_inside(stop, threads):
    numba.set_num_threads(threads)
    seen, least, most = 0, 99, 0
    for _ in prange(stop):
        least = min(least, numba.get_num_threads())
        most = max(most, numba.get_num_threads())
        seen += 1
    return seen, least, most, numba.get_num_threads()


@loop("int64, int64", draw=lambda draw, _: (draw.count(), draw.choice((0, 1, 3, 100, 10**6))))
def chunks_set_inside(stop, chunk):
    former = numba.set_parallel_chunksize(chunk)
    counted = 0
    for i in prange(stop):
        counted += i & 3
    return counted, former, numba.set_parallel_chunksize(former)


def _numbers(draw, signature):
    return (draw.array(dtypes(signature)[0], draw.size(), STEPS), draw.size() - 2)


@loop("int64[:], int64", draw=_numbers)
def raise_before(x, bad):
    if bad < x.size:
        raise ValueError("before", bad)
    total = 0
    for i in prange(x.size):
        total += x[i]
    return total


@loop("int64[:], int64", draw=_numbers)
def raise_after(x, bad):
    total = 0
    for i in prange(x.size):
        x[i] += 1
        total += x[i]
    if bad >= x.size:
        raise IndexError("after")
    return total


# A loop that raises by itself is not run in parallel; one that calls what raises is.
@njit
def _checked(i, bad):
    if i == bad:
        raise ValueError("inside")
    return i


@njit
def _never(i, bad):
    if bad > 3:
        raise KeyError("inside", bad)
    return i


@loop("int64[:], int64", draw=_numbers)
def raise_in_one_iteration(x, bad):
    for i in prange(x.size):
        x[i] = _checked(i, bad)


@loop("int64[:], int64", draw=_numbers)
def raise_in_one_iteration_and_sum(x, bad):
    total = 0
    for i in prange(x.size):
        total += _checked(i, bad)
    return total


@loop("int64[:], int64", draw=_numbers)
def raise_in_all_iterations(x, bad):
    for i in prange(x.size):
        x[i] = _never(i, bad)


@loop("int64[:], int64", draw=_numbers)
def raise_in_the_loop_itself(x, bad):
    for i in prange(x.size):
        if i == bad:
            raise ValueError("inside", bad)
        x[i] = i


@loop("int64[:], int64", draw=_numbers)
def divide(x, bad):
    out = np.zeros(x.size, np.int64)
    for i in prange(x.size):
        out[i] = 100 // (i - bad)
    return out


@loop("float64[:], int64", draw=_numbers, njit={"error_model": "numpy"})
def divide_as_numpy(x, bad):
    out = np.zeros(x.size)
    for i in prange(x.size):
        out[i] = x[i] / (i - bad)
    return out


@loop("float64[:], int64", draw=_numbers, njit={"boundscheck": True})
def index_out_of_bounds(x, shift):
    out = np.zeros(x.size)
    for i in prange(x.size):
        out[i] = x[i + max(0, shift - 5)]
    return out


@loop("int64[:], int64", draw=_numbers)
def raise_and_catch(x, bad):
    total = 0
    for i in prange(x.size):
        try:
            if i % 3 == bad % 3:
                raise ValueError("caught")
            total += x[i]
        except Exception:
            total -= 1
    return total


@loop("int64", draw=lambda draw, _: (draw.size(),))
def strings_and_lists(stop):
    total = 0
    for i in prange(stop):
        text = "x" * (i % 7)
        items = [j * i for j in range(len(text))]
        total += len(items) + sum(items)
    return total
