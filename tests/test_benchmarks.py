"""The benchmark suite runs what it is asked to run, and shows what it cannot."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_rows_layers_and_threads_are_those_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    asked = ["--rows", "launch", "--layers", "ompsafe", "workqueue", "--threads", "1", "2"]
    run = suite(*asked, "--rounds", "2", "--json", str(file))
    assert run.returncode == 0, run.stderr
    figures = json.loads(file.read_text())["figures"]
    assert {(figure["case"], figure["layer"]) for figure in figures} == {
        (case, layer) for case in ("n = 1", "n = 2") for layer in ("ompsafe", "workqueue", "limit")
    }
    assert all(len(figure["values"]) == 2 and min(figure["values"]) > 0 for figure in figures)
    assert all(f"n = {figure['NUMBA_NUM_THREADS']}" == figure["case"] for figure in figures)
    again = suite("--rows", "launch", "--layers", "ompsafe", "workqueue", "--read", str(file))
    assert again.stdout == run.stdout


def test_nothing_is_set_for_rows_that_are_not_about_the_number_of_threads(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    asked = ["--rows", "ufunc", "gufunc", "--layers", "ompsafe", "--sizes", "800"]
    run = suite(*asked, "--threads", "1", "--rounds", "1", "--json", str(file))
    assert run.returncode == 0, run.stderr
    figures = json.loads(file.read_text())["figures"]
    assert {figure["NUMBA_NUM_THREADS"] for figure in figures} == {None}
    styles = ["", ", no lambda", ", out=", ", new array"]
    assert {(figure["row"], figure["case"]) for figure in figures} == {
        *(("gufunc", "800" + style) for style in styles),
        *(("ufunc", "800" + style) for style in [*styles, ", a scalar"]),
    }


def test_a_layer_that_cannot_run_a_row_says_why() -> None:
    run = suite("--rows", "nested", "--layers", "workqueue", "--rounds", "1")
    assert run.returncode == 0, run.stderr
    assert "workqueue does not run nested: killed by SIGABRT" in run.stdout


def test_p8_a_bad_argument_gets_one_clear_line() -> None:
    for bad in (["--rounds", "0"], ["--threads", "-1"], ["--sizes", "many"], ["--rows", "all"]):
        run = suite(*bad)
        assert run.returncode == 2
        assert bad[1] in run.stderr.splitlines()[-1]
