"""The examples that no launcher starts end as they say. Those of launchers: test_launchers."""

import json
import re
import shutil
import textwrap
from pathlib import Path

import pytest
from harness.changed_numba import make
from harness.examples import EXAMPLES, PYTHON, accuracy, run_example
from harness.processes import SITE_PACKAGES, SUPPORT, results_of, run_python


def test_the_list_has_every_example() -> None:
    listed = set(re.findall(r"\]\(([^)/]+)", (EXAMPLES / "README.md").read_text()))
    there = {entry.name for entry in EXAMPLES.iterdir()} - {"README.md", "__pycache__"}
    assert there <= listed


@pytest.mark.needs_torch
def test_p5_threads_of_a_loader_launch_at_once_with_the_counts_of_torch(tmp_path: Path) -> None:
    env = {"OMP_WAIT_POLICY": "passive"}
    out = run_example(PYTHON, "thread_loader.py", "--epochs", "1", cwd=tmp_path, **env)
    count = re.search(r"4 loader threads +Numba (\d+)\n", out)
    assert count
    assert f"main thread                 Numba {count[1]}   torch {count[1]}\n" in out
    assert accuracy(out) > 50


@pytest.mark.needs_torch
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
def test_p4_what_torch_compiles_runs_in_the_pool_of_torch_and_numba(tmp_path: Path) -> None:
    options = ("--steps", "20", "--torch-threads", "3")
    # One process compiles: more of them cost more than they spare.
    env = {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    out = run_example(PYTHON, "torch_compile.py", *options, cwd=tmp_path, **env)
    assert len(re.findall(r"torch 3   Numba [123]\n", out)) == 2
    (users,) = re.findall(r"used by +(.+)", out)
    assert "libtorch_cpu.so" in users
    assert ".main.so" in users


@pytest.mark.needs_torch
def test_the_alternation_penalty_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ("--rounds", "1", "--seconds", "0.001", "--output", "penalty.svg")
    out = run_example(PYTHON, "alternation_penalty.py", *options, cwd=tmp_path)
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


# Prints the layer that the polite library's function runs on.
CALL = """
import json, numba, numpy as np, polite_library
assert polite_library.smooth(np.array([0.0, 3, 0, 3, 0])).tolist() == [0, 1, 2, 1, 0]
print(json.dumps(numba.threading_layer()))
"""
CHOSEN_BEFORE = "import numba; numba.config.THREADING_LAYER = 'workqueue'"
LAUNCHED_BEFORE = (
    f"{CHOSEN_BEFORE}; numba.get_num_threads(); numba.config.THREADING_LAYER = 'default'"
)
CHOSEN_AFTER = f"import polite_library; {CHOSEN_BEFORE}"
ABSENT = (
    f"import sys; sys.path += {SITE_PACKAGES}; sys.modules['numba_ompsafe'] = None\n"
    # The entry point of the missing package makes Numba warn when it first compiles.
    "import warnings; warnings.simplefilter('ignore')"
)
UNSUPPORTED = "import numba_ompsafe; numba_ompsafe.unsupported = 'not here'"


def with_library(code: str, env: dict[str, str] | None = None, **options: object) -> object:
    path = {"PYTHONPATH": f"{EXAMPLES}:{SUPPORT}"}
    return run_python(code, path | (env or {}), layer=None, **options)  # type: ignore[arg-type]


def test_the_polite_library_selects_the_layer_and_does_nothing_else_at_import() -> None:
    code = """
    import json, os
    before = dict(os.environ)
    import numba, polite_library
    from numba.np.ufunc import parallel
    assert dict(os.environ) == before
    assert not parallel._is_initialized
    """
    assert with_library(textwrap.dedent(code) + CALL) == "ompsafe"


@pytest.mark.parametrize(
    "env",
    [
        {"NUMBA_THREADING_LAYER": "workqueue"},
        {"NUMBA_THREADING_LAYER": "default"},
        {"NUMBA_THREADING_LAYER_PRIORITY": "workqueue omp tbb"},
    ],
    ids=str,
)
def test_the_polite_library_yields_to_a_variable(env: dict[str, str]) -> None:
    assert with_library(CALL, env) != "ompsafe"


def test_the_polite_library_yields_to_a_config_file(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / ".numba_config.yaml").write_text("threading_layer: workqueue")
    assert with_library(CALL, cwd=tmp_path) == "workqueue"


@pytest.mark.parametrize(
    "before",
    [CHOSEN_BEFORE, LAUNCHED_BEFORE, CHOSEN_AFTER],
    ids=["chosen", "launched", "chosen after the import"],
)
def test_the_polite_library_yields_to_what_the_program_has_done(before: str) -> None:
    assert with_library(before + CALL) == "workqueue"


def test_the_polite_library_works_without_the_package() -> None:
    assert with_library(ABSENT + CALL, options=("-S",)) != "ompsafe"


def test_the_polite_library_works_where_the_package_does_not() -> None:
    assert with_library(UNSUPPORTED + CALL) != "ompsafe"


def test_the_polite_library_works_with_a_numba_that_the_package_does_not_know(
    tmp_path: Path,
) -> None:
    make(tmp_path, "_load_threading_functions", "_load_functions")
    code = "import json, numba, polite_library; print(json.dumps(numba.config.THREADING_LAYER))"
    path = {"PYTHONPATH": f"{tmp_path}:{EXAMPLES}:{SUPPORT}"}
    assert with_library(code, path) == "default"
