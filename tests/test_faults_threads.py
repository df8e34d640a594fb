"""What the layer starts threads for goes on where it can have none: pthread_create fails.

At each call in turn, that call alone or all from there on, in a process of its own. It is the layer
that starts them, with whatever runtime: where a runtime is refused one, it ends the process.
"""

from typing import Any

import pytest
from harness.faults import run
from harness.runtimes import RUNTIMES

COUNTS = """
import torch, counting, kernels, openmp
from python_threads import here, on_new_thread, on_second_thread

import first_launches  # what Numba imports for them

def icvs_kept(function):
    before = openmp.the_one().icvs()
    result = function()
    assert openmp.the_one().icvs() == before
    return result

def each():
    return [
        on_thread(lambda: icvs_kept(kernels.launch))
        for on_thread in (here, on_new_thread, on_second_thread)
    ]

def case(failing):
    torch.set_num_threads(3)
    on_second_thread(torch.ones, 2)  # where torch has run, but nothing parallel
    with failing:
        during = each()
    let_it_be_forgotten()
    later = each()
    torch.set_num_threads(5)
    return [during, later, each()]
"""


def _each_call(case: str, env: dict[str, str]) -> tuple[dict[str, Any], Any]:
    answers: tuple[dict[str, Any], Any] = run(
        f"{case}\nresults = at_each_call(case, 'pthread_create')", env
    )
    return answers


@pytest.mark.needs_torch
def test_p2_what_no_thread_could_be_had_to_ask_for_is_asked_again() -> None:
    answers, undisturbed = _each_call(COUNTS, {"OMP_NUM_THREADS": "2"})
    assert undisturbed == [[3, 3, 3], [3, 3, 3], [5, 5, 5]]
    # The initial ICVs, torch's count as it is noticed, and for each of the other threads.
    assert len(answers) >= 4
    for call, (during, *later) in answers.items():
        # Where torch cannot be asked, nthreads-var of the thread that launches.
        assert during[0] == 3, call
        assert set(during) <= {2, 3}, call
        assert later == undisturbed[1:], call


TEAMS = """
import kernels, sharing, thread_shortage
{before}
from concurrent.futures import ThreadPoolExecutor

thread_shortage.compile_all()
kernels.nested_ids.compile("(int64, int64)")

def nested():
    outer, inner = kernels.nested_ids(6, 4)
    assert sorted(set(outer.tolist())) == list(range(4)), outer
    assert all(row.tolist() == [0, 1, 2, 3] for row in inner), inner

def launch():
    for n in {counts}:
        thread_shortage.team(n, 0)
    nested()

def at_once():
    with ThreadPoolExecutor(3) as threads:
        for one in [threads.submit(launch) for _ in range(3)]:
            one.result()

def case(failing):
    with failing:
        launch()
        at_once()
    let_it_be_forgotten()
    return [thread_shortage.team(n, 10) for n in {counts}]
"""
COUNTS_OF_TEAMS = [2, 4, 8, 4]


@pytest.mark.parametrize("runtime", ["GNU, the system's", "LLVM", "torch"])
def test_p5_launches_are_right_where_no_thread_is_to_be_had_and_whole_afterwards(
    runtime: str,
) -> None:
    before = "import torch; torch.set_num_threads(4)" if runtime == "torch" else ""
    if before:
        pytest.importorskip("torch")
    case = TEAMS.format(before=before, counts=COUNTS_OF_TEAMS)
    env = {"NUMBA_NUM_THREADS": "8"} | RUNTIMES.get(runtime, {})
    answers, undisturbed = _each_call(case, env)
    assert undisturbed == COUNTS_OF_TEAMS
    assert len(answers) >= 4
    for call, teams in answers.items():
        assert teams == COUNTS_OF_TEAMS, call
