"""P2, P5, P6: Numba's own tests of parallel code pass on this layer, served as ``omp``."""

import subprocess
import sys

import pytest
from harness.processes import ROOT


@pytest.mark.timeout(900)
def test_p5_numbas_own_quick_tests_pass() -> None:
    command = [sys.executable, str(ROOT / "tests" / "run_numba_tests.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
