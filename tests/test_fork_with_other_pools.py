"""P6: a fork where there are more pools than the forking thread's, or others, or have been."""

from pathlib import Path

import pytest
from harness.forking import run, run_again_and_again


def test_p6_threads_with_pools_have_just_ended() -> None:
    # The pool of a thread that ends unwinds its threads' stacks, under a lock that a child needs
    # as soon as it compiles something.
    before = """
import numba
numba_runs()
@numba.njit
def compiled_in_child(x):
    return x + 1
def compile_and_launch():
    assert compiled_in_child(1) == 2
    numba_runs()
"""
    case = """
workers = [threading.Thread(target=numba_runs) for _ in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
in_child(compile_and_launch)
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_threads_of_the_layers_own_are_there() -> None:
    # 8 slots beside a torch of 2 threads are shared with others than those of the caller's pool.
    before = """
import torch
torch.set_num_threads(2)
numba_runs(8)
"""
    case = """
numba_runs(8)
in_child(lambda: (numba_starts(8), in_child(lambda: numba_starts(8))))
in_child(lambda: torch_starts(2))
"""
    run_again_and_again(case, before=before, NUMBA_NUM_THREADS="8")


@pytest.mark.needs_torch
def test_p6_a_torch_that_no_launch_has_met_yet() -> None:
    # The layer runs on scikit-learn's own libgomp until it meets torch.
    code = """
import sklearn.utils._openmp_helpers
numba_runs()
import torch
torch_runs()
children_run()
both_run()
"""
    run(code)


@pytest.mark.needs_torch
def test_p6_runtimes_that_only_other_libraries_use() -> None:
    # scikit-learn's wheel has a libgomp of its own.
    before = """
import numpy as np, torch
from sklearn.cluster import KMeans
points = np.random.default_rng(0).random((4000, 8))
def scikit_learn_runs():
    KMeans(8, n_init=1, max_iter=5).fit(points)
def scikit_learn_starts():
    before = tasks()
    scikit_learn_runs()
    assert len(tasks() - before) >= 3
both_run()
"""
    case = """
scikit_learn_runs()
in_child(scikit_learn_starts)
children_run()
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_threads_of_another_runtimes_region_have_launched() -> None:
    # Each has a pool of its own then, in torch's runtime, which ends with it: as the forking
    # thread's pool in the other runtime ends, or later as the thread does that opened the region.
    before = """
import ctypes, openmp
import sklearn.utils._openmp_helpers
both_run()
(path,) = (path for path in openmp.runtimes() if path != openmp.bound_path())
region = openmp.Runtime(path).library.GOMP_parallel
body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: numba_runs())
"""
    case = """
region(body, None, 3, 0)
children_run()
on_thread(lambda: region(body, None, 3, 0))
children_run()
"""
    run_again_and_again(case, before=before)


def test_p6_llvms_runtime_under_the_name_of_gnus(tmp_path: Path) -> None:
    # Some distributions install it so.
    code = "import openmp; print(json.dumps(openmp.runtimes()[0]))"
    (tmp_path / "libgomp.so.1").symlink_to(run(code, LD_PRELOAD="libomp.so.5"))
    case = "in_child(lambda: in_child(numba_starts)); in_child(numba_starts); numba_runs()"
    run_again_and_again(case, before="numba_runs()", LD_PRELOAD=str(tmp_path / "libgomp.so.1"))
