"""Threads, interpreters and processes that end while some launch: nothing hangs or dies."""

import pytest
from harness.c_libraries import built
from harness.cores import needs_two_cores
from harness.faults import RUNS
from harness.forking import OPTIONS
from harness.processes import results_of
from harness.runtimes import GNU


@needs_two_cores
def test_p5_launches_in_destructors_of_ending_threads() -> None:
    code = f"""
    import thread_ends
    results = thread_ends.each({str(built("thread_end"))!r})
    """
    answers = results_of(code, {"NUMBA_NUM_THREADS": "2"} | GNU)
    # Whether new threads still get to build pools: those of ended ones are counted no more.
    assert answers == [[case, True] for case, _ in answers]
    assert len(answers) == 4


@pytest.mark.parametrize("before", ["", "import torch; torch.set_num_threads(2)"], ids=bool)
def test_p5_a_process_ends_while_daemon_threads_launch(before: str) -> None:
    if before:
        pytest.importorskip("torch")
    code = f"{before}\nimport process_ends\nresults = process_ends.run({RUNS})"
    statuses = results_of(code, {"NUMBA_NUM_THREADS": "4"}, timeout=120 + 10 * RUNS)
    assert len(statuses) == 4
    assert set(map(tuple, statuses.values())) == {(7,)}, statuses


def test_p6_sub_interpreters_come_and_go_while_threads_launch() -> None:
    code = f"""
    import forks, gil, kernels
    kernels.launch()
    with forks.Busy(kernels.launch, kernels.launch):
        for _ in range({RUNS}):
            code = "import numba_ompsafe; from numba_ompsafe import _core; _core.mask()"
            gil.run_in_a_sub_interpreter(code, own_gil=False)
            assert forks.in_child(kernels.launch) == 4
    results = kernels.launch()
    """
    env = {"NUMBA_NUM_THREADS": "4"}
    assert results_of(code, env, options=OPTIONS, timeout=60 + RUNS) == 4
