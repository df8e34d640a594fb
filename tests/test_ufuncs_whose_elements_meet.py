"""P9: reduce, accumulate and the like of parallel ufuncs are NumPy's, on any number of threads.

Under Numba's own layers they are wrong (numba/numba#1721): NumPy hands the loop an output that is
an input, too, and blocks of it race.
"""

import os

import pytest
from harness.processes import run_python
from harness.runtimes import GNU

CALLS = int(os.environ.get("TESTS_METHODS_CALLS", "40"))  # of each method, in a process
EIGHT = {"NUMBA_NUM_THREADS": "8"}


@pytest.mark.timeout(300 + 2 * CALLS)
@pytest.mark.parametrize("seed", range(3))
def test_p9_methods_of_parallel_ufuncs_are_numpys_on_any_number_of_threads(seed: int) -> None:
    code = f"import json, ufunc_methods\nprint(json.dumps(ufunc_methods.wrong({seed}, {CALLS})))"
    assert run_python(code, EIGHT | GNU, timeout=280 + 2 * CALLS) == []


def test_p9_a_gufunc_may_write_its_output_over_its_input() -> None:
    code = f"import json, ufunc_methods\nprint(json.dumps(ufunc_methods.wrong_gufuncs({CALLS})))"
    assert run_python(code, EIGHT) == []


def test_p5_interleaved_arrays_have_all_threads() -> None:
    # The real and the imaginary parts of complex numbers, or what follows each other in memory.
    code = """
import json
import numpy as np
from parallel_ufuncs import of_1
from patience import most
from took_part import threads_of

def interleaved():
    memory = np.zeros((48, 2), np.int64)
    memory[:, 0] = np.arange(48)
    return threads_of(of_1(memory[:, 0], out=memory[:, 1]), memory[:, 0])

def in_turn():
    memory = np.arange(96)
    return threads_of(of_1(memory[:48], out=memory[48:]), memory[:48])

def in_place():
    memory = np.arange(48)
    return threads_of(of_1(memory, out=memory), np.arange(48))

print(json.dumps([most(way, 3) for way in (interleaved, in_turn, in_place)]))
"""
    assert run_python(code, {"NUMBA_NUM_THREADS": "3"}) == [3, 3, 3]


def test_p9_an_output_whose_elements_do_not_lie_side_by_side_is_written_right() -> None:
    code = "import json, ufunc_methods\nprint(json.dumps(ufunc_methods.wrong_outputs()))"
    assert run_python(code, EIGHT) == []
