"""The benchmark suite runs what it is asked to run, and shows what it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest
from harness.processes import ROOT, run_python


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


def test_launches_beside_neighbours_are_measured_for_as_long_as_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    asked = ["--rows", "neighbours", "--layers", "ompsafe", "--seconds", "0.01", "--rounds", "1"]
    run = suite(*asked, "--json", str(file))
    assert run.returncode == 0, run.stderr
    assert "does not run" not in run.stdout
    cores = len(os.sched_getaffinity(0))
    figures = json.loads(file.read_text())["figures"]
    assert {(figure["case"], figure["layer"]) for figure in figures} == {
        (f"{alone}, {busy} busy", layer)
        for alone in ("20 us", "70 us", "1 ms", "20 ms")
        for busy in {max(1, cores // 2), cores}
        for layer in ("ompsafe", "limit")
    }


def test_busy_neighbours_end_with_a_process_that_is_killed() -> None:
    run_python(
        r"""
        import subprocess, sys
        from pathlib import Path
        from time import sleep

        program = (
            "from signal import pause; from benchmarks.rows._busy import busy_processes\n"
            "with busy_processes(2) as ids: print(*ids, flush=True); pause()"
        )

        def is_running(process):
            try:
                state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                return False
            return state != "Z"  # it has ended, and nobody has asked how

        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
            busy = parent.stdout.readline().decode().split()
            assert [is_running(process) for process in busy] == [True, True]
            parent.kill()
        while any(is_running(process) for process in busy):
            sleep(0.01)
        """,
        cwd=ROOT,
    )


def test_a_process_and_its_neighbours_compute_in_its_turns_only() -> None:
    code = r"""
from benchmarks import turns
from benchmarks.rows._busy import busy_processes
turns.take_them()
with busy_processes(1) as ids:
    print(*ids, flush=True)
    turns.next_turn()
    input()
"""

    def computes(process: int) -> bool:
        def ticks() -> int:
            return sum(map(int, Path(f"/proc/{process}/stat").read_text().split()[13:15]))

        before = ticks()
        sleep(0.5)
        return ticks() > before

    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        assert process.stdin
        assert process.stdout
        busy = int(process.stdout.readline())
        assert process.stdout.readline() == "turn over\n"
        assert not computes(busy)
        print(file=process.stdin, flush=True)
        assert computes(busy)
        process.communicate("\n")


@pytest.mark.needs_torch
def test_launches_compose_in_each_way() -> None:
    ways = ["flat", "2 outer", "2 threads", "4 threads, uneven", "beside torch"]
    cases, failures = run_python(
        f"""
        import json
        from benchmarks import rows, suite
        from benchmarks.results import Results
        from benchmarks.figures import Options

        options, results = Options((), ()), Results({{}}, 1)
        for setting in rows.load("compose").settings(options):
            if setting.case in {ways}:
                suite.run(suite.Task("compose", setting, ["ompsafe"]), options, results)
        print(json.dumps([results.cases("compose"), [*results.failures.values()]]))
        """,
        cwd=ROOT,
    )
    assert (cases, failures) == (ways, [])


def test_p8_a_bad_argument_gets_one_clear_line() -> None:
    counts = (["--rounds", "0"], ["--threads", "-1"], ["--sizes", "many"])
    for bad in (*counts, ["--seconds", "0"], ["--rows", "all"]):
        run = suite(*bad)
        assert run.returncode == 2
        assert bad[1] in run.stderr.splitlines()[-1]
