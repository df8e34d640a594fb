"""The workers of one launcher see each other, and nobody else.

The workers are real processes with a real runtime, started as launchers start them.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from harness.cores import CORES, needs_two_cores
from harness.processes import run_python

# Starts the commands, each with its variables, and prints what each process printed.
LAUNCHER = """
import json, os, subprocess, sys
def start(command, **variables):
    return subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True)
def worker(n, *options):
    return [sys.executable, "workers.py", {folder!r}, str(n), *options]
def collect(processes):
    outputs = [process.communicate()[0] for process in processes]
    assert not any(process.returncode for process in processes), outputs
    return [json.loads(output) for output in outputs if output]
"""


def launch(code: str, folder: Path, env: dict[str, str] | None = None) -> Any:
    """Return what the launcher, with ``code`` for what it starts, prints."""
    return run_python(LAUNCHER.format(folder=str(folder)) + code, env, layer=None)


def counts_of_others(seen: list[Any]) -> list[list[int]]:
    """Return the counts that each worker saw, if the pids are those of all others."""
    pids = {pid for pid, _ in seen}
    for pid, neighbours in seen:
        assert {other for other, _ in neighbours} == pids - {pid}
    return [sorted(count for _, count in neighbours) for _, neighbours in seen]


def test_workers_of_one_launcher_see_each_other(tmp_path: Path) -> None:
    code = """
print(json.dumps(collect([start(worker(3), OMP_NUM_THREADS=str(rank + 3)) for rank in range(3)])))
"""
    assert counts_of_others(launch(code, tmp_path)) == [[4, 5], [3, 5], [3, 4]]


def test_a_worker_without_a_count_has_the_cores_of_its_mask(tmp_path: Path) -> None:
    code = "print(json.dumps(collect([start(worker(2)) for _ in range(2)])))"
    assert counts_of_others(launch(code, tmp_path)) == [[len(CORES)]] * 2


def test_a_count_is_read_as_runtimes_read_it(tmp_path: Path) -> None:
    code = """
print(json.dumps(collect([start(worker(2), OMP_NUM_THREADS=value) for value in ("5,2", " 6")])))
"""
    assert counts_of_others(launch(code, tmp_path)) == [[6], [5]]


def test_numbas_count_counts_where_numba_is_loaded(tmp_path: Path) -> None:
    program = "import json, numba, sys, workers; print(json.dumps(workers.see(sys.argv[1], 2)))"
    code = f"""
command = [sys.executable, "-c", {program!r}, {str(tmp_path)!r}]
print(json.dumps(collect([start(command, NUMBA_NUM_THREADS="7") for _ in range(2)])))
"""
    assert counts_of_others(launch(code, tmp_path)) == [[7], [7]]


def test_a_wrapper_around_each_worker_makes_no_difference(tmp_path: Path) -> None:
    code = """
def wrapped(n):
    return ["sh", "-c", '"$@"; true', "wrapper", *worker(n)]
print(json.dumps(collect([start(wrapped(2), OMP_NUM_THREADS="3") for _ in range(2)])))
"""
    assert counts_of_others(launch(code, tmp_path)) == [[3], [3]]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("start(worker(2, 'another program'))", id="another command line"),
        pytest.param(
            "start([sys.executable, '-c', 'import subprocess, sys; "
            "sys.exit(subprocess.call(sys.argv[1:]))', *worker(2)])",
            id="another parent",
        ),
        pytest.param(
            "start(['sh', '-c', '\"$@\"; true', 'wrapper', *worker(2)])", id="wrapped, as one only"
        ),
    ],
)
def test_other_processes_are_no_neighbours(other: str, tmp_path: Path) -> None:
    code = f"print(json.dumps(collect([start(worker(2)), {other}])))"
    assert [neighbours for _, neighbours in launch(code, tmp_path)] == [[], []]


def test_processes_that_workers_start_are_no_neighbours(tmp_path: Path) -> None:
    code = """
code = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
processes = [start([sys.executable, "-c", code, *worker(2)]) for _ in range(2)]
print(json.dumps(collect(processes)))
"""
    assert [neighbours for _, neighbours in launch(code, tmp_path)] == [[], []]


def test_a_worker_without_a_runtime_is_no_neighbour(tmp_path: Path) -> None:
    program = (
        "import json, sys, workers; first = sys.argv[2] == '1'; "
        "print(json.dumps(workers.see(sys.argv[1], 2, runtime=first)))"
    )
    code = f"""
command = [sys.executable, "-c", {program!r}, {str(tmp_path)!r}]
seen = collect([start([*command, str(rank)]) for rank in (1, 2)])
print(json.dumps(seen))
"""
    (_, of_first), (_, of_second) = launch(code, tmp_path)
    assert (len(of_first), len(of_second)) == (0, 1)


@needs_two_cores
def test_workers_on_cores_of_their_own_are_no_neighbours(tmp_path: Path) -> None:
    code = f"""
processes = []
for core in {CORES[:2]}:
    os.sched_setaffinity(0, {{core}})  # the worker inherits it
    processes.append(start(worker(2)))
print(json.dumps(collect(processes)))
"""
    assert [neighbours for _, neighbours in launch(code, tmp_path)] == [[], []]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_multiprocessing_see_each_other(method: str, tmp_path: Path) -> None:
    code = f"""
import json, multiprocessing, workers
from concurrent.futures import ProcessPoolExecutor
context = multiprocessing.get_context({method!r})
with ProcessPoolExecutor(2, mp_context=context) as executor:
    futures = [executor.submit(workers.see, {str(tmp_path)!r}, 2) for _ in range(2)]
    print(json.dumps([future.result() for future in futures]))
"""
    seen = run_python(code, {"OMP_NUM_THREADS": "3"}, layer=None)
    assert counts_of_others(seen) == [[3], [3]]


def test_workers_of_joblib_see_each_other(tmp_path: Path) -> None:
    pytest.importorskip("joblib")
    code = f"""
import json, joblib, workers
see = joblib.delayed(workers.see)
print(json.dumps(joblib.Parallel(n_jobs=2)(see({str(tmp_path)!r}, 2) for _ in range(2))))
"""
    seen = run_python(code, {"OMP_NUM_THREADS": "3"}, layer=None)
    assert counts_of_others(seen) == [[3], [3]]


def test_workers_of_dask_see_each_other(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    code = f"""
import json, workers
from distributed import Client, LocalCluster
if __name__ == "__main__":
    with LocalCluster(2, threads_per_worker=1, dashboard_address=":0") as cluster:
        with Client(cluster) as client:
            names = list(client.scheduler_info()["workers"])
            futures = [
                client.submit(workers.see, {str(tmp_path)!r}, 2, workers=[name], pure=False)
                for name in names
            ]
            print(json.dumps(client.gather(futures)))
"""
    # dask's nannies say OMP_NUM_THREADS=1 if nobody says anything.
    assert counts_of_others(run_python(code, layer=None)) == [[1], [1]]


@pytest.mark.needs_torch
def test_ranks_of_torchrun_see_each_other(tmp_path: Path) -> None:
    code = f"""
import json, subprocess, sys
process = subprocess.run(
    [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
     "workers.py", {str(tmp_path)!r}, "2"],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
)
print(json.dumps([json.loads(line) for line in process.stdout.splitlines() if line]))
"""
    assert counts_of_others(run_python(code, layer=None)) == [[1], [1]]


def test_processes_that_end_meanwhile_are_left_out() -> None:
    code = """
import json, os
from numba_ompsafe._report.facts import neighbours
statuses = []
for _ in range(20):
    pids = []
    for _ in range(10):
        pid = os.fork()
        if pid == 0:
            neighbours.find()
            os._exit(0)
        pids.append(pid)
    statuses.extend(os.waitpid(pid, 0)[1] for pid in pids)
print(json.dumps(statuses))
"""
    assert run_python(code, layer=None) == [0] * 200


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_processes_that_may_not_be_looked_at_are_left_out(tmp_path: Path) -> None:
    code = f"""
import ctypes, json, os, workers
from numba_ompsafe._report.facts import neighbours
ctypes.CDLL("libgomp.so.1")
others, reader = os.fork(), None
if others == 0:
    workers.wait_for({str(tmp_path)!r}, "loaded", 2)
    workers.wait_for({str(tmp_path)!r}, "seen", 2)
    os._exit(0)
reader, writer = os.pipe()
looks = os.fork()
if looks == 0:
    workers.wait_for({str(tmp_path)!r}, "loaded", 2)
    of_root = len(neighbours.find())
    os.setuid(65534)
    os.write(writer, bytes([of_root, len(neighbours.find())]))
    os._exit(0)
answer = list(os.read(reader, 2))
workers.wait_for({str(tmp_path)!r}, "seen", 2)
print(json.dumps([*answer, os.waitpid(others, 0)[1], os.waitpid(looks, 0)[1]]))
"""
    assert run_python(code, layer=None) == [1, 0, 0, 0]
