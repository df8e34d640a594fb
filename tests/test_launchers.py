"""P2, P6: processes that launchers start have the threads that the launchers meant them to have.

The examples, run as the documentation says, from a folder that is not theirs.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.examples import PYTHON, accuracy, run_example
from harness.processes import clean_environment

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")

pytestmark = pytest.mark.needs_torch


def workers(out: str) -> list[tuple[int, int, int]]:
    """Return the thread counts of each worker: Numba's, torch's, and those seen at work."""
    found = re.findall(r"worker \d+ +Numba (\d+) +torch (\d+) +threads at work (\d+)", out)
    return [(int(of_numba), int(of_torch), int(busy)) for of_numba, of_torch, busy in found]


def check_workers(out: str, threads: list[int]) -> None:
    """Fail unless so many threads are told to Numba and torch of each worker, and no more at work.

    Fewer may be: beside workers that have the cores, more would wait for them.
    """
    # A worker that was seen with one thread at work, and with two, is told of twice.
    told = set(re.findall(r"worker (\d+) +Numba (\d+) +torch (\d+)", out))
    assert sorted((int(n), int(t)) for _, n, t in told) == [(count, count) for count in threads]
    assert all(1 <= busy <= count for count, _, busy in workers(out)), out


@pytest.mark.parametrize(
    "options",
    [
        ("--start-method", "fork"),
        ("--start-method", "forkserver", "--persistent-workers"),
        ("--start-method", "spawn", "--persistent-workers"),
    ],
)
def test_p6_data_loader_workers_run_numba_on_one_thread_as_torch(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    out = run_example(PYTHON, "data_loader.py", "--epochs", "2", *options, cwd=tmp_path)
    assert workers(out) == [(1, 1, 1), (1, 1, 1)]
    of_numba, of_torch = re.findall(r"main process +Numba (\d+) +torch (\d+)", out)[0]
    assert of_numba == of_torch
    assert accuracy(out) > 70


@pytest.mark.parametrize("threads", [1, 2])
def test_p2_torchrun_ranks_have_the_threads_it_gives_them(threads: int, tmp_path: Path) -> None:
    # It sets OMP_NUM_THREADS=1 where nobody has set it.
    env = {} if threads == 1 else {"OMP_NUM_THREADS": str(threads)}
    out = run_example(TORCHRUN, "torchrun_training.py", "--epochs", "3", cwd=tmp_path, **env)
    check_workers(out, [threads] * 2)
    assert accuracy(out) > 95


def test_p2_joblib_workers_have_the_threads_it_gives_them(tmp_path: Path) -> None:
    options = ("--threads-per-job", "2")
    out = run_example(PYTHON, "joblib_cross_validation.py", *options, cwd=tmp_path)
    check_workers(out, [2, 2])
    assert accuracy(out) > 85


def test_p2_dask_workers_have_the_threads_it_gives_them(tmp_path: Path) -> None:
    out = run_example(PYTHON, "dask_augmentation.py", "--epochs", "3", cwd=tmp_path)
    assert workers(out) == [(1, 1, 1)] * 2
    assert accuracy(out) > 85


def test_p2_dask_workers_of_a_cluster_that_is_running_get_the_examples_code(tmp_path: Path) -> None:
    scheduler = "tcp://127.0.0.1:18786"
    environment = clean_environment(NUMBA_THREADING_LAYER="ompsafe")
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    serve = [*dask, "--host", "127.0.0.1", "--port", "18786", "--no-dashboard"]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler]
    with (
        subprocess.Popen(serve, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as first,
        subprocess.Popen(
            [*work, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"],
            env=environment,
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        ) as second,
    ):
        try:
            options = ("--scheduler", scheduler, "--epochs", "1")
            out = run_example(PYTHON, "dask_augmentation.py", *options, cwd=tmp_path)
        finally:
            second.terminate()
            first.terminate()
    assert workers(out) == [(1, 1, 1)] * 2
