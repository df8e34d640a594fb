"""P6: Python's pools of worker processes, whichever way they start them."""

import pytest
from harness.forking import RUNS, run

POOL = """
import multiprocessing
{before}
context = multiprocessing.get_context("{method}")
with context.Pool(2, maxtasksperchild=1) as pool:
    workers = pool.map({work}, range({runs}), chunksize=1)
    pool.close()  # not killed while they begin or end: that leaves semaphores behind, and a warning
    pool.join()
assert len(set(workers)) == {runs}, workers
{before}
"""

EXECUTORS = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
{before}
context = multiprocessing.get_context("{method}")
workers = set()
for _ in range({runs} // 2):
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        workers |= set(executor.map({work}, range(2)))
assert len(workers) >= {runs} // 2, workers
{before}
"""


def run_workers(code: str, **parameters: str | int) -> None:
    run(code.format(runs=RUNS, **parameters), timeout=120 + 10 * RUNS)


both_kinds = pytest.mark.parametrize(
    "code", [pytest.param(POOL, id="Pool"), pytest.param(EXECUTORS, id="ProcessPoolExecutor")]
)


@pytest.mark.needs_torch
@both_kinds
def test_p6_worker_processes_by_fork(code: str) -> None:
    run_workers(code, method="fork", before="both_run()", work="work")


@both_kinds
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_p6_worker_processes_that_are_new_interpreters(code: str, method: str) -> None:
    run_workers(code, method=method, before="numba_runs()", work="work_without_torch")


@pytest.mark.needs_torch
def test_p6_worker_processes_of_a_fork_server_that_has_imported_both() -> None:
    before = 'multiprocessing.set_forkserver_preload(["numba", "torch"])'
    run_workers(POOL, method="forkserver", before=before, work="work")
