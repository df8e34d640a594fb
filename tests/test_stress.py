"""P1, P2, P5, P6: random programs over threads, forks, workers and settings, on all runtimes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = float(os.environ.get("TESTS_STRESS_SECONDS", "120"))


@pytest.mark.needs_torch
@pytest.mark.timeout(10 * SECONDS + 300)
def test_p5_whatever_a_process_does_its_launches_are_right() -> None:
    command = [sys.executable, "-m", "stress", "--seconds", str(SECONDS), "--seed", "0"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
