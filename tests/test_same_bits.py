"""P5: the same call gives the same bits: alone, from threads, in children, beside others."""

import os

import pytest
from harness.processes import results_of
from harness.runtimes import GNU, LLVM

CALLS = int(os.environ.get("TESTS_BITS_CALLS", "30"))  # of each kernel with each size
SIZES = (10, 1_000, 100_003, 1_000_003)


@pytest.mark.timeout(900 + 10 * CALLS)
@pytest.mark.parametrize("env", [{}, GNU, LLVM], ids=["torch's", "GNU", "LLVM"])
@pytest.mark.parametrize("threads", [2, 5])
def test_p5_the_same_call_gives_the_same_bits(threads: int, env: dict[str, str]) -> None:
    code = f"""
import bits
for n in {SIZES}:
    results[n] = bits.kinds_with_several(n, max(3, min({CALLS}, {CALLS} * 100_000 // n)))
"""
    found = results_of(code, {"NUMBA_NUM_THREADS": str(threads)} | env, timeout=850 + 10 * CALLS)
    assert found == {str(n): [] for n in SIZES}


def test_p5_the_same_call_gives_the_same_bits_beside_busy_processes() -> None:
    # What a launch took decides who runs the next one, and in which pieces.
    code = f"""
import os, subprocess, sys
import bits
busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
try:
    for n in (1_000, 300_007):
        results[n] = bits.kinds_with_several(n, {CALLS})
finally:
    for process in busy:
        process.kill()
        process.wait()
"""
    found = results_of(code, timeout=280 + 10 * CALLS)
    assert found == {"1000": [], "300007": []}
