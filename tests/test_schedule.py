"""The partition is the very one that Numba's own layers compute."""

import ctypes
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.np.ufunc import workqueue

from numba_ompsafe import _core

Bounds = ctypes.c_ssize_t * 64


def function(layer: Any, name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(result, *arguments)(getattr(layer, name))


def partition(layer: Any, kind: str, space: list[tuple[int, int]], divisions: int) -> list[int]:
    schedule = function(
        layer,
        f"do_scheduling_{kind}",
        None,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_ssize_t,
    )
    starts = Bounds(*(start for start, _ in space))
    ends = Bounds(*(end for _, end in space))
    rows = (ctypes.c_ssize_t * (2 * len(space) * divisions))()
    schedule(len(space), starts, ends, divisions, rows, 0)
    return list(rows)


def sched_size(layer: Any, chunk: int, space: list[tuple[int, int]], threads: int) -> int:
    set_chunk = function(layer, "set_parallel_chunksize", ctypes.c_size_t, ctypes.c_size_t)
    get_size = function(
        layer,
        "get_sched_size",
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    starts = Bounds(*(start for start, _ in space))
    ends = Bounds(*(end for _, end in space))
    former = set_chunk(chunk)
    try:
        return int(get_size(threads, len(space), starts, ends))
    finally:
        assert set_chunk(former) == chunk


def spaces(start: st.SearchStrategy[int], longest: int) -> st.SearchStrategy[Any]:
    # Numba passes both ends of a range, so an empty one ends below its start.
    dimension = st.tuples(start, st.integers(0, longest)).map(lambda d: (d[0], d[0] + d[1] - 1))
    return st.lists(dimension, min_size=1, max_size=4)


signed = spaces(st.integers(-(10**6), 10**6), 10**6) | spaces(st.integers(-5, 5), 12)
unsigned = spaces(st.integers(0, 10**6), 10**6) | spaces(st.integers(0, 5), 12)
divisions = st.integers(1, 300)


@given(signed, divisions)
def test_schedule_of_signed_indices_is_numbas(space: Any, n: int) -> None:
    assert partition(_core, "signed", space, n) == partition(workqueue, "signed", space, n)


@given(unsigned, divisions)
def test_schedule_of_unsigned_indices_is_numbas(space: Any, n: int) -> None:
    assert partition(_core, "unsigned", space, n) == partition(workqueue, "unsigned", space, n)


LOWEST, HIGHEST = -(2**63), 2**63 - 1
any_bound = st.integers(LOWEST, HIGHEST) | st.integers(-5, 5)


def runs_nothing(kind: str, row: list[int]) -> bool:
    """Whether a kernel's loops over the bounds of a row, one inside of the other, run nothing."""
    read = (lambda bound: bound) if kind == "signed" else (lambda bound: bound % 2**64)
    half = len(row) // 2
    ranges = zip(row[:half], row[half:], strict=True)
    return any(read(end + 1) <= read(start) for start, end in ranges)


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
@given(data=st.data(), n=divisions)
def test_p9_a_space_is_empty_where_a_range_of_it_ends_below_its_start(
    kind: str, data: st.DataObject, n: int
) -> None:
    # As signed numbers, whatever the indices are: prange(-3) has unsigned ones.
    empty = st.tuples(any_bound, any_bound).map(sorted).filter(lambda d: d[0] < d[1])
    space = data.draw(st.lists(st.tuples(st.integers(-9, 9), st.integers(10, 99)), max_size=3))
    lower, upper = data.draw(empty)
    space.insert(data.draw(st.integers(0, len(space))), (upper, lower))
    rows = partition(_core, kind, space, n)
    width = 2 * len(space)
    assert len(rows) == width * n
    assert all(runs_nothing(kind, rows[row : row + width]) for row in range(0, len(rows), width))
    if len(space) == 1:
        assert rows == partition(workqueue, kind, space, n)


# Numba's own overflow here. tests/native/schedule_fuzz.cpp has more of the kind.
@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("signed", LOWEST, HIGHEST - 1),
        ("signed", LOWEST + 1, HIGHEST),
        ("signed", LOWEST // 2 - 2, HIGHEST // 2),
        ("signed", HIGHEST - 1, HIGHEST),
        ("signed", LOWEST, LOWEST),
        ("unsigned", 0, 2**63 - 2),
        ("unsigned", 2**63, 2**64 - 2),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("other", [[], [(5, 5)], [(LOWEST, LOWEST)]])
def test_p5_no_iteration_is_lost_at_the_ends_of_the_indices(
    kind: str, first: int, last: int, n: int, other: list[tuple[int, int]]
) -> None:
    rows = partition(_core, kind, [(first, last), *other], n)
    if kind == "unsigned":
        rows = [bound % 2**64 for bound in rows]
    dimensions = 1 + len(other)
    blocks = []
    for row in range(0, len(rows), 2 * dimensions):
        starts = rows[row : row + dimensions]
        ends = rows[row + dimensions : row + 2 * dimensions]
        if all(start <= end for start, end in zip(starts, ends, strict=True)):
            blocks.append((starts[0], ends[0]))
    assert blocks[0][0] == first
    assert blocks[-1][1] == last
    for (_, end), (start, _) in pairwise(blocks):
        assert start == end + 1


@given(signed, st.integers(0, 2000), st.integers(1, 64))
def test_schedule_size_is_numbas(space: Any, chunk: int, threads: int) -> None:
    ours = sched_size(_core, chunk, space, threads)
    assert ours == sched_size(workqueue, chunk, space, threads)


@given(st.lists(st.integers(1, 2000), max_size=8))
def test_schedule_memory_is_apart_for_each_schedule_in_use(sizes: list[int]) -> None:
    allocate = function(_core, "allocate_sched", ctypes.c_void_p, ctypes.c_size_t)
    release = function(_core, "deallocate_sched", None, ctypes.c_void_p)
    blocks = [(allocate(size), size * ctypes.sizeof(ctypes.c_ssize_t)) for size in sizes]
    taken = sorted(blocks)
    for (start, length), (following, _) in pairwise(taken):
        assert start + length <= following
    for start, length in blocks:
        ctypes.memset(start, 0xFF, length)
    for start, _ in reversed(blocks):
        release(start)


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
def test_schedule_without_divisions_is_empty(kind: str) -> None:
    assert partition(_core, kind, [(0, 9)], 0) == []
