"""What a program draws from its seed: numbers, bounds of loops, and arrays of all layouts."""

import ctypes
from random import Random

import numpy as np

SIZES = (0, 1, 2, 3, 5, 7, 8, 9, 16, 17, 33, 64, 100, 257)
LARGE = (1_000, 4_096, 10_001, 30_000)
FLOATS = (0.0, -0.0, 1.0, -1.5, 1e-310, 1e300, -1e300, np.inf, -np.inf, np.nan)


class Draw:
    """Draws from a seed: the same calls return the same values, each time as new objects."""

    def __init__(self, seed, number):
        self.random = Random(f"{seed} {number}")
        self._numpy = np.random.default_rng(self.random.getrandbits(64))
        self.exact = False  # whether sums of floats must not depend on their order

    def chance(self, share):
        return self.random.random() < share

    def choice(self, things):
        return self.random.choice(things)

    def size(self, least=0):
        size = self.choice(LARGE if self.chance(0.05) else SIZES)
        return max(size, least)

    def shape(self, dimensions, least=0):
        sizes = [self.choice((0, 1, 2, 3, 4, 7, 12)) for _ in range(dimensions)]
        if sizes and self.chance(0.2):
            sizes[self.random.randrange(dimensions)] = self.size()
        return tuple(max(size, least) for size in sizes)

    def bounds(self, dtype):
        """Return the start and the stop of a loop that is short or empty, anywhere in a type.

        A stop has a number below it: without one, Numba's own layers run 2^64 iterations.
        """
        lowest, highest = int(np.iinfo(dtype).min) + 1, int(np.iinfo(dtype).max)
        near = self.choice((0, 0, 0, -5, 7, lowest, highest, self.random.randint(lowest, highest)))
        first, stop = near + self.random.randint(-9, 9), near + self.random.randint(-9, 9)
        if self.chance(0.4):
            stop = first + self.size()
        if self.chance(0.1):  # as far below the start as can be
            first, stop = self.choice((0, first, highest)), self.choice((lowest, -(2**40)))
        first, stop = (min(max(bound, lowest), highest) for bound in (first, stop))
        return np.dtype(dtype).type(first), np.dtype(dtype).type(stop)

    def stop(self, dtype):
        """Return the stop of a loop from 0 that is short or empty."""
        lowest, highest = int(np.iinfo(dtype).min) + 1, int(np.iinfo(dtype).max)
        stop = self.choice((lowest, self.random.randint(-9, 9), self.size(), self.size()))
        return np.dtype(dtype).type(min(max(stop, lowest), highest))

    def count(self):
        """Return how often a loop is to run: often less than nothing."""
        if self.chance(0.3):
            return self.choice((-1, -2, -7, -100, -(2**31), -(2**62), 1 - 2**63))
        return self.size()

    def values(self, dtype, shape):
        """Return an array of a type and shape, in one piece."""
        dtype, numbers = np.dtype(dtype), self._numpy
        if dtype.kind in "iu":
            if self.exact or self.chance(0.7):
                return numbers.integers(-9 if dtype.kind == "i" else 0, 10, shape).astype(dtype)
            limits = np.iinfo(dtype)
            return numbers.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        if dtype.kind == "b":
            return numbers.integers(0, 2, shape).astype(bool)
        if self.exact or self.chance(0.3):
            return numbers.integers(-9, 10, shape).astype(dtype)
        found = numbers.standard_normal(shape).astype(dtype)
        if self.chance(0.2) and found.size:
            places = numbers.integers(0, found.size, 1 + found.size // 8)
            with np.errstate(over="ignore"):
                found.flat[places] = numbers.choice(FLOATS, places.size).astype(dtype)
        return found

    def array(self, dtype, shape, layouts=("C",)):
        """Return an array of a type and shape, in one of these layouts."""
        return LAYOUTS[self.choice(layouts)](self.values(dtype, shape))


def with_room(array):
    """Return the same array with memory of its own on both sides.

    A ufunc of Numba's writes there if its inputs are contiguous and its output is not, where a
    layer calls it for more than one element.
    """
    ends = [step * (length - 1) for step, length in zip(array.strides, array.shape, strict=True)]
    low = high = array.ctypes.data
    if array.size:
        low += sum(end for end in ends if end < 0)
        high += sum(end for end in ends if end > 0) + array.itemsize
    at = low // 64 * 64
    margin = (high - low) // 64 * 64 + 64
    room = np.zeros(3 * margin + 192, np.uint8)
    begin = -room.ctypes.data % 64 + margin  # where it is as aligned as the array
    offset = begin + low - at
    first = offset + array.ctypes.data - low
    placed = np.ndarray(array.shape, array.dtype, room, first, array.strides)
    room[offset : offset + high - low] = np.frombuffer(ctypes.string_at(low, high - low), np.uint8)
    placed.flags.writeable = array.flags.writeable
    return placed


def _sliced(step):
    def lay_out(values):
        """Every so many elements of a larger array, on each axis."""
        if values.ndim == 0:
            return values
        room = np.zeros([abs(step) * length for length in values.shape], values.dtype)
        view = room[(slice(None, None, step),) * values.ndim]
        view[...] = values
        return view

    return lay_out


def _unaligned(values):
    room = np.zeros(values.nbytes + 1, np.uint8)
    view = room[1:].view(values.dtype).reshape(values.shape)
    view[...] = values
    return view


def _read_only(values):
    values = np.array(values)
    values.flags.writeable = False
    return values


def _of_one_element(values):
    """One element, seen as many."""
    one = values.flat[:1] if values.size else np.zeros(1, values.dtype)
    return np.lib.stride_tricks.as_strided(one, values.shape, (0,) * values.ndim)


def _of_one_row(values):
    if values.ndim == 0 or values.shape[0] == 0:
        return values
    return np.broadcast_to(values[:1], values.shape)


LAYOUTS = {
    "C": np.asarray,
    "Fortran": np.asfortranarray,
    "every other": _sliced(2),
    "backwards": _sliced(-1),
    "every third, backwards": _sliced(-3),
    "unaligned": _unaligned,
    "bytes in the other order": lambda values: values.astype(values.dtype.newbyteorder()),
    "read-only": _read_only,
    "one element": _of_one_element,
    "one row": _of_one_row,
}
STRIDED = ("C", "C", "Fortran", "every other", "backwards", "every third, backwards")
ALL = tuple(LAYOUTS)
