"""The examples that no launcher starts end as they say. Those of launchers: test_launchers."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from harness.commands import execute
from harness.processes import ROOT, results_of

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


@pytest.mark.needs_torch
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
def test_p4_what_torch_compiles_runs_in_the_pool_of_torch_and_numba(tmp_path: Path) -> None:
    options = ("--steps", "20", "--torch-threads", "3")
    # One process compiles: more of them cost more than they spare.
    env = {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    out = run_example("torch_compile.py", *options, cwd=tmp_path, **env)
    assert len(re.findall(r"torch 3   Numba [123]\n", out)) == 2
    (users,) = re.findall(r"used by +(.+)", out)
    assert "libtorch_cpu.so" in users
    assert ".main.so" in users


@pytest.mark.needs_torch
def test_the_alternation_penalty_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ("--rounds", "1", "--seconds", "0.001", "--output", "penalty.svg")
    out = run_example("alternation_penalty.py", *options, cwd=tmp_path)
    assert re.findall(r"^(\w+) +(in turns|apart) +\d", out, re.M) == [
        (layer, how) for layer in ("omp", "ompsafe") for how in ("in turns", "apart")
    ]
    assert "</svg>" in (tmp_path / "penalty.svg").read_text()


@pytest.mark.needs_torch
def test_p2_the_notebook_runs_from_top_to_bottom() -> None:
    cells = json.loads((EXAMPLES / "notebook.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in cells)
    code.append("results['layer'] = report.layer.running")
    code.append("results['counts'] = [report.counts.numba, report.counts.torch]")
    told = results_of("\n".join(code), layer=None)  # it says itself which layer it wants
    assert told["layer"] == "ompsafe"
    assert told["counts"][0] == told["counts"][1]
