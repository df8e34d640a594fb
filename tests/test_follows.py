"""P2: the count obeys its four rules, in every Python thread, at every launch."""

import os

import pytest
from harness import processes
from harness.processes import run_python
from harness.runtimes import GNU

PRELUDE = """
import numba_ompsafe, openmp
from counting import here
from numba import set_num_threads
from python_threads import on_new_thread, on_second_thread
"""


def results_of(code: str, env: dict[str, str] | None = None) -> dict[str, int]:
    return processes.results_of(PRELUDE + code, env)


def test_p2_rule_1_a_mask_holds_for_its_thread_alone() -> None:
    results = results_of(
        """
set_num_threads(1)
results["masked"] = here()
results["another thread"] = on_second_thread(here)
on_second_thread(set_num_threads, 2)
results["another masked thread"] = on_second_thread(here)
results["masked still"] = here()
""",
        {"OMP_NUM_THREADS": "3"},
    )
    assert results == {
        "masked": 1,
        "another thread": 3,
        "another masked thread": 2,
        "masked still": 1,
    }


def test_p2_rule_2_a_process_default_holds_for_threads_without_a_mask() -> None:
    results = results_of(
        """
on_second_thread(set_num_threads, 1)
numba_ompsafe.set_default_num_threads(5)
results["here"] = here()
results["masked thread"] = on_second_thread(here)
results["thread to come"] = on_new_thread(here)
results["default"] = numba_ompsafe.get_default_num_threads()
numba_ompsafe.set_default_num_threads(None)
results["no default"] = here()
""",
        {"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "8"},
    )
    assert results == {
        "here": 5,
        "masked thread": 1,
        "thread to come": 5,
        "default": 5,
        "no default": 8,
    }


def test_p2_rule_3_numba_num_threads_in_the_environment_wins_over_openmps() -> None:
    code = """
results["here"] = here()
results["another thread"] = on_new_thread(here)
openmp.bound().set_num_threads(2)
results["after omp_set_num_threads"] = here()
"""
    results = results_of(code, {"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "5"})
    assert set(results.values()) == {5}


def test_p2_rule_3_numba_num_threads_in_numbas_config_file(tmp_path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / ".numba_config.yaml").write_text("num_threads: 6\n")
    code = "import json, numba; print(json.dumps(numba.get_num_threads()))"
    assert run_python(code, {"OMP_NUM_THREADS": "3"}, cwd=tmp_path) == 6


def test_p2_rule_4_openmps_count_is_followed_live() -> None:
    results = results_of(
        """
from threadpoolctl import threadpool_limits
results["environment"] = here()
openmp.bound().set_num_threads(5)
results["omp_set_num_threads"] = here()
results["that is another thread's"] = on_second_thread(here)
with threadpool_limits(2, user_api="openmp"):
    results["threadpool_limits"] = here()
results["after it"] = here()
openmp.bound().set_num_threads(3)
results["back at the initial value"] = here()
""",
        {"OMP_NUM_THREADS": "3"},
    )
    assert results == {
        "environment": 3,
        "omp_set_num_threads": 5,
        "that is another thread's": 3,
        "threadpool_limits": 2,
        "after it": 5,
        "back at the initial value": 3,
    }


@pytest.mark.needs_torch
def test_p2_rule_4_torchs_count_is_followed_live_up_and_down() -> None:
    results = results_of(
        """
import torch
for k in (7, 1, 2, 3, 8, 1, 4):
    torch.set_num_threads(k)
    assert here() == k == torch.get_num_threads()
for k in (2, 6, 1, 3):
    on_second_thread(torch.set_num_threads, k)
    assert on_second_thread(here) == k
    assert here() == 4
results["done"] = True
"""
    )
    assert results == {"done": True}


@pytest.mark.needs_torch
@pytest.mark.parametrize("mkl", [None, "1"])
def test_p2_rule_4_a_thread_without_a_torch_op_has_torchs_count_already(mkl: str | None) -> None:
    # With MKL_NUM_THREADS=1, torch's default is not OpenMP's.
    results = results_of(
        """
import torch
def before_and_after_a_torch_op():
    before = here()
    torch.ones(1_000_000).sum()
    return [before, here(), torch.get_num_threads()]
results["default"] = on_new_thread(before_and_after_a_torch_op)
torch.set_num_threads(7)
results["set"] = on_new_thread(before_and_after_a_torch_op)
""",
        {"MKL_NUM_THREADS": mkl} if mkl else {},
    )
    assert len(set(results["default"])) == 1
    assert results["set"] == [7, 7, 7]
    if mkl:
        assert results["default"] == [1, 1, 1]


@pytest.mark.needs_torch
def test_p2_rule_4_a_torch_op_in_a_thread_settles_its_count() -> None:
    # torch.set_num_threads reaches the thread that calls it, and threads where torch has not run.
    results = results_of(
        """
import time, torch
from concurrent.futures import ThreadPoolExecutor
def both():
    return [here(), torch.get_num_threads()]
initial = on_second_thread(both)
torch.set_num_threads(7)
results["settled"] = on_second_thread(both) == initial
third = ThreadPoolExecutor(1)
results["not settled"] = third.submit(here).result()
torch.set_num_threads(5)
here()
results["not settled, set again"] = third.submit(here).result()
torch.set_num_threads(6)
time.sleep(0.4)  # a change that no Numba call has seen is noticed a moment later
results["not settled, set unseen"] = third.submit(here).result()
"""
    )
    assert results == {
        "settled": True,
        "not settled": 7,
        "not settled, set again": 5,
        "not settled, set unseen": 6,
    }


@pytest.mark.needs_torch
def test_p2_rule_4_a_torch_loaded_later_is_noticed_in_every_thread() -> None:
    results = results_of(
        """
results["before"] = [here(), on_second_thread(here)]
import torch
torch.set_num_threads(7)
results["after"] = [here(), on_second_thread(here), on_new_thread(here)]
""",
        {"OMP_NUM_THREADS": "3"},
    )
    assert results == {"before": [3, 3], "after": [7, 7, 7]}


@pytest.mark.needs_torch
def test_p2_rule_4_serial_torch_code_settles_nothing() -> None:
    results = results_of(
        """
import torch
torch.set_num_threads(7)
here()
def after_serial_code():
    torch.zeros(3) + 1
    before = here()
    torch.ones(1_000_000).sum()
    return [before, here(), torch.get_num_threads()]
results["thread"] = on_new_thread(after_serial_code)
""",
        {"OMP_NUM_THREADS": "2"},
    )
    assert results == {"thread": [7, 7, 7]}


@pytest.mark.needs_torch
@pytest.mark.parametrize("before", ["pass", "here()", "torch.zeros(3) + 1; here()"])
def test_p2_rule_4_a_count_set_on_a_thread_holds_there_if_it_is_the_initial_one(
    before: str,
) -> None:
    # More than there are cores: torch's default, which MKL has a say in, is another one.
    results = results_of(
        f"""
import numba, os, torch
numba.config.NUMBA_NUM_THREADS = initial = int(os.environ["OMP_NUM_THREADS"])
here()
def set_the_initial_count():
    {before}
    torch.set_num_threads(initial)
    return [here() == initial, torch.get_num_threads() == initial]
results["at once"] = on_second_thread(set_the_initial_count)
on_new_thread(lambda: (torch.set_num_threads(3), torch.get_num_threads(), here()))
results["later"] = on_second_thread(lambda: here() == torch.get_num_threads() == initial)
""",
        {"OMP_NUM_THREADS": str((os.cpu_count() or 1) + 5)},
    )
    assert results == {"at once": [True, True], "later": True}


@pytest.mark.needs_torch
def test_p2_rule_4_a_limit_for_a_while_leaves_torchs_count() -> None:
    results = results_of(
        """
import torch
from threadpoolctl import threadpool_limits
torch.set_num_threads(5)
def limited_for_a_while():
    counts = [here()]
    for limit in (1, 3):
        with threadpool_limits(limit, user_api="openmp"):
            counts.append(here())
        counts.append(here())
    return counts
results["thread"] = on_new_thread(limited_for_a_while)
torch.ones(1_000_000).sum()
results["main"] = limited_for_a_while()
""",
        {"OMP_NUM_THREADS": "2"},
    )
    assert results == {"thread": [5, 1, 5, 3, 5], "main": [5, 1, 5, 3, 5]}


def test_p2_the_count_is_capped_at_numbas_limit() -> None:
    code = """
    import json, numba, openmp, kernels
    numba.get_num_threads()
    openmp.bound().set_num_threads(64)
    print(json.dumps([kernels.launch(), numba.config.NUMBA_NUM_THREADS]))
    """
    count, limit = run_python(code)
    assert count == limit


def test_p2_numbas_start_up_is_no_users_wish() -> None:
    # It calls set_num_threads(NUMBA_NUM_THREADS) itself, on the thread that launches first.
    code = """
    import json, kernels, openmp
    first = kernels.launch()
    openmp.bound().set_num_threads(1)
    print(json.dumps([first, kernels.launch()]))
    """
    assert run_python(code, {"OMP_NUM_THREADS": "2"} | GNU)[1] == 1
    as_omp = {"NUMBA_OMPSAFE_AS_OMP": "1", "OMP_NUM_THREADS": "2"} | GNU
    assert run_python(code, as_omp, layer="omp")[1] == 1


def test_p2_a_question_that_no_launch_follows_is_forgotten() -> None:
    # Generated code hears one number until it launches; a program may ask and not launch.
    code = """
    import json, numba, openmp, kernels, numba_ompsafe
    numba.config.NUMBA_NUM_THREADS = 8
    ask = numba.njit(lambda: numba.get_num_threads())
    kernels.launch()
    counts = []
    for n in (1, 4, 2):
        openmp.bound().set_num_threads(n)
        counts += [ask(), kernels.launch()]
    for n in (5, 3):
        ask()
        numba_ompsafe.set_default_num_threads(n)
        counts += [ask(), kernels.launch()]
    print(json.dumps(counts))
    """
    counts = run_python(code, {"OMP_NUM_THREADS": "2"} | GNU)
    assert counts == [1, 1, 4, 4, 2, 2, 5, 5, 3, 3]
