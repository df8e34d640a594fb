"""P8, control: after any block of threads(n), in any program, all is as before it."""

import os

import pytest
from harness.processes import run_python

EXAMPLES = int(os.environ.get("TESTS_EXAMPLES", "40"))


@pytest.mark.needs_torch
@pytest.mark.parametrize("omp_num_threads", ["", "3"])
@pytest.mark.parametrize("sklearn", [False, True])
def test_p8_after_any_block_all_is_as_before(omp_num_threads: str, sklearn: bool) -> None:
    # Several Python threads, their blocks interleaved in any order, nested, raising.
    env = {"OMP_NUM_THREADS": omp_num_threads} if omp_num_threads else {}
    code = f"""
import counting, torch
{"import sklearn.utils._openmp_helpers" if sklearn else ""}
import block_programs
block_programs.run({EXAMPLES})
"""
    run_python(code, env)
