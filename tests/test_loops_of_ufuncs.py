"""P2 and P5: a ufunc's launch reads what NumPy hands to it, and nothing that lies behind that."""

import pytest
from harness.processes import run_python
from harness.runtimes import GNU

THREE = {"NUMBA_NUM_THREADS": "3"}

# Dimensions of other calls, a page that nobody may read, and what no loop could have.
BEHIND = [(), (0, 0, 0, 0), (1, 1, 1, 1), (1 << 62, 4, 4, 4), (-1, -1, -1, -1)]

PRELUDE = f"""
import json
import numpy as np
import parallel_gufuncs, parallel_ufuncs
from page_ends import at_page_end, call_loop
from patience import most
from took_part import threads_of
x = np.arange(48)
BEHIND = {BEHIND}

def all_threads(launch, *arguments):
    return most(lambda: launch(*arguments), 3)
"""


def test_p2_a_ufuncs_launch_has_all_threads_whatever_lies_behind_its_dimension() -> None:
    code = """
def launch(ufunc, behind):
    inputs = [at_page_end(x + i) for i in range(ufunc.nin)]
    out = at_page_end(np.zeros_like(x))
    call_loop(ufunc, [*inputs, out], [x.size], [x.itemsize] * ufunc.nargs, behind)
    return threads_of(out, sum(inputs))

ufuncs = parallel_ufuncs.UFUNCS
print(json.dumps(
    [[all_threads(launch, ufunc, behind) for ufunc in ufuncs] for behind in BEHIND]
))
"""
    assert run_python(PRELUDE + code, THREE) == [[3, 3, 3, 3]] * len(BEHIND)


def test_p2_a_gufuncs_launch_has_all_threads_whatever_lies_behind_its_dimensions() -> None:
    # The steps are those of the outer loop, and then those of each core dimension of each array.
    code = """
def launch(behind, gufunc, core, inputs, expected):
    arrays = [at_page_end(array) for array in (*inputs, np.zeros_like(expected))]
    outer = [array.strides[0] for array in arrays]
    inner = [step for array in arrays for step in array.strides[1:]]
    call_loop(gufunc, arrays, [len(expected), *core], outer + inner, behind)
    return threads_of(arrays[-1], expected)

products_of = parallel_gufuncs.matrix_by_vector
rows, matrices = np.arange(48 * 3).reshape(48, 3), np.arange(48 * 6).reshape(48, 2, 3)
products = (matrices @ rows[..., None])[..., 0]
print(json.dumps([
    [
        all_threads(launch, behind, parallel_gufuncs.of_scalar, [], [x], x),
        all_threads(launch, behind, parallel_gufuncs.of_scalars, [], [x, x], 2 * x),
        all_threads(launch, behind, parallel_gufuncs.row_sum, [3], [rows], rows.sum(axis=1)),
        all_threads(launch, behind, parallel_gufuncs.copied, [3], [rows], rows),
        all_threads(launch, behind, products_of, [2, 3], [matrices, rows], products),
    ]
    for behind in BEHIND
]))
"""
    assert run_python(PRELUDE + code, THREE) == [[3] * 5] * len(BEHIND)


@pytest.mark.parametrize("variation", range(20))
def test_p2_a_million_elements_have_all_threads_in_every_process(variation: int) -> None:
    # What lies on the stack depends on the environment's length and on the depth of the calls.
    code = f"""
import json
from timeit import timeit
import numba, numpy as np
from large_ufunc import add, add_four
from patience import most
from took_part import threads_of

x = np.arange(1_000_000)
out = np.zeros_like(x)

def with_lambda():
    call = lambda x=x, out=out: add(x, x, out)
    return call()

def with_timeit():
    timeit(lambda: add(x, x, out), number=3)
    return out

CALLS = {{
    "plain": (lambda: add(x, x), 2 * x),
    "out": (lambda: add(x, x, out=out), 2 * x),
    "positional": (lambda: add(x, x, out), 2 * x),
    "lambda": (with_lambda, 2 * x),
    "timeit": (with_timeit, 2 * x),
    "scalar": (lambda: add(x, 7), x + 7),
    "four": (lambda: add_four(x, x, x, x), 4 * x),
    "four, unpacked": (lambda: add_four(*[x] * 4), 4 * x),
    "four, out": (lambda: add_four(x, x, x, x, out), 4 * x),
    "every other": (lambda: add(x, np.repeat(x, 2)[::2]), 2 * x),
    "cast": (lambda: add(x, x.astype(np.int32)), 2 * x),
}}

def at_depth(depth):
    if depth > 0:
        return at_depth(depth - 1)
    count = numba.get_num_threads()
    return {{
        name: most(lambda: threads_of(call(), expected, every=1000), count)
        for name, (call, expected) in CALLS.items()
    }}

print(json.dumps([numba.get_num_threads(), at_depth({13 * variation})]))
"""
    env = GNU | {"A_VARIABLE": "x" * 37 * variation}
    count, threads = run_python(code, env)
    # NumPy casts some thousand elements at a time, and launches for each of them.
    assert threads.pop("cast") >= count
    assert threads == dict.fromkeys(threads, count)


def test_p2_more_elements_than_can_be_counted_have_all_threads() -> None:
    # Arrays of one element that is broadcast: the product of the lengths is a multiple of 2^64.
    code = """
large = np.broadcast_to(np.int64(0), (48, 1 << 32))
print(all_threads(lambda: threads_of(parallel_gufuncs.sizes(large, large), 11 << 32)))
"""
    assert run_python(PRELUDE + code, THREE) == 3


def test_p2_a_schedule_that_nobody_launched_is_no_ufuncs() -> None:
    # It lies where the ufunc's first input does, and was one of a single iteration.
    code = """
import ctypes
from numba_ompsafe import _core
zero, rows = np.zeros(1, np.intp), np.arange(48)
do_scheduling = ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 6)(_core.do_scheduling_signed)

def launch():
    do_scheduling(1, zero.ctypes.data, zero.ctypes.data, 3, rows.ctypes.data, 0)
    rows[:] = x
    return threads_of(parallel_ufuncs.of_1(rows), x)

print(all_threads(launch))
"""
    assert run_python(PRELUDE + code, THREE) == 3
