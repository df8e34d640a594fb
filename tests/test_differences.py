"""P9: random programs under Numba's own layers and under this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = int(os.environ.get("TESTS_PROGRAMS", "400"))
KERNELS = 24  # to compile others takes longer than to run them


@pytest.mark.timeout(PROGRAMS + 900)
def test_p9_where_numbas_own_layers_agree_this_one_agrees_with_them() -> None:
    command = [sys.executable, "-m", "differences", "--programs", str(PROGRAMS), "--seed", "1"]
    command += ["--kernels", str(KERNELS)]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
