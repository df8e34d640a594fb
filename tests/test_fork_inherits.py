"""P6: a child has the thread settings of its parent, and the rules go on from there."""

import pytest
from harness.forking import run, run_again_and_again


@pytest.mark.needs_torch
def test_p6_settings_are_those_of_before_in_parent_and_child() -> None:
    before = """
import openmp, torch
both_run()
torch.set_num_threads(3)
runtime = openmp.bound()
runtime.set_max_active_levels(2)
runtime.set_schedule(3, 7)
runtime.set_dynamic(1)
torch.ones(1_000_000).sum()
settings = runtime.icvs()
assert settings["nthreads-var"] == 3
"""
    case = """
assert in_child(runtime.icvs) == settings
assert in_child(torch.get_num_threads) == 3
assert runtime.icvs() == settings and torch.get_num_threads() == 3
in_child(lambda: numba_starts(3))
torch.ones(1_000_000).sum()
"""
    run_again_and_again(case, before=before)


def test_p6_a_mask_and_the_default_are_inherited() -> None:
    before = """
import numba, numba_ompsafe
numba.config.NUMBA_NUM_THREADS = 8
numba_runs()
"""
    case = """
numba_ompsafe.set_default_num_threads(3)
in_child(lambda: numba_starts(3))
def with_a_mask():
    numba.set_num_threads(2)
    in_child(lambda: numba_starts(2))
on_thread(with_a_mask)
numba_ompsafe.set_default_num_threads(None)
in_child(numba_starts)
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_the_count_follows_torch_in_the_child() -> None:
    case = """
def one_thread():
    torch.set_num_threads(1)
    before = tasks()
    numba_runs(1)
    assert no_threads_but(before)
in_child(one_thread)
both_run()
"""
    run_again_and_again(case, before="import torch; both_run()")


@pytest.mark.needs_torch
def test_p6_the_count_follows_torch_in_a_child_forked_as_another_thread_noticed_it() -> None:
    code = """
import time
import numba
kernels().launch()
import torch
from numba_ompsafe import _core
torch.set_num_threads(3)
_core.before_fork()
launching = threading.Thread(target=kernels().launch, daemon=True)
launching.start()
time.sleep(0.5)
assert launching.is_alive()  # what it asks of torch could end up in the child
assert in_child(lambda: on_thread(numba.get_num_threads)) == 3
_core.after_fork_in_parent()
launching.join()
"""
    run(code)
