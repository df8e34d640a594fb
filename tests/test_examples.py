"""The examples that no launcher starts end as they say. Those of launchers: test_launchers."""

import re
import sys
from pathlib import Path

import pytest
from harness.commands import execute
from harness.processes import ROOT

EXAMPLES = ROOT / "examples"


def run_example(file: str, *options: str, cwd: Path, **env: str) -> str:
    """Return what the example prints."""
    variables = {"NUMBA_THREADING_LAYER": "ompsafe"} | env
    command = (sys.executable, str(EXAMPLES / file), *options)
    result = execute(command, variables, cwd=cwd, timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.needs_torch
def test_p5_threads_of_a_loader_launch_at_once_with_the_counts_of_torch(tmp_path: Path) -> None:
    out = run_example("thread_loader.py", "--epochs", "1", cwd=tmp_path)
    count = re.search(r"4 loader threads +Numba (\d+)\n", out)
    assert count
    assert f"main thread                 Numba {count[1]}   torch {count[1]}\n" in out
    accuracy = re.search(r"accuracy after +([\d.]+)%", out)
    assert accuracy
    assert float(accuracy[1]) > 50
