"""P9: a loop over an empty range ends at once, with the values that Python gives."""

import pytest
from harness.processes import run_python
from harness.runtimes import GNU


@pytest.mark.parametrize("layer", ["ompsafe", "omp"])
def test_p9_an_empty_range_is_empty_in_every_kind_of_loop(layer: str) -> None:
    # On one to eight threads; before, prange(-3) ran 2^64 iterations.
    code = """
import json, empty_loops
print(json.dumps([empty_loops.wrong(threads) for threads in range(1, 9)]))
"""
    env = {"NUMBA_NUM_THREADS": "8"} | GNU
    assert run_python(code, env, layer=layer, timeout=280) == [[]] * 8
