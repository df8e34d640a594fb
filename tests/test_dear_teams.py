"""P5 where a team is not worth its while: launches have none, or no useless threads.

Each iteration runs once and sees its own slot's id, whichever threads run it.
"""

from typing import Any

import pytest
from harness.processes import run_python
from harness.runtimes import GNU


def run(code: str, *, threads: str = "str(CORES)", **env: str) -> Any:
    # Numba reads its variable as it is imported.
    begin = f"""
import json, os, threading
CORES = len(os.sched_getaffinity(0))
os.environ["NUMBA_NUM_THREADS"] = {threads}
from patience import eventually
from python_threads import here, on_new_thread
from teams import *
me = threading.get_native_id
"""
    return run_python(begin + code, GNU | env)


def test_p5_a_launch_of_some_length_on_the_main_thread_has_its_team() -> None:
    run("assert eventually(lambda: len(team(CORES, turns=LONG)) == CORES)")


@pytest.mark.parametrize(
    ("where", "turns"), [("here", "0"), ("on_new_thread", "0"), ("on_new_thread", "BRIEF")]
)
def test_p5_a_tiny_launch_and_on_a_new_thread_a_brief_one_run_there(where: str, turns: str) -> None:
    code = f"""
def alone():
    return all([team(2, turns={turns}) == {{me()}} for _ in range(10)])
def learn_and_launch():
    # One launch in 61 is timed; what else the machine does may make it seem long.
    for _ in range(150):
        team(2, turns={turns})
    return {where}(alone)
assert eventually(learn_and_launch)
"""
    run(code, threads="'2'")


def test_p5_threads_of_python_that_have_ended_leave_a_launch_its_team() -> None:
    code = """
for _ in range(3):
    on_new_thread(lambda: team(CORES, wait=500))
assert eventually(lambda: len(team(CORES, turns=LONG)) == CORES)
"""
    run(code)


def test_p5_a_thread_bound_to_one_core_that_launches_first_leaves_the_others_their_cores() -> None:
    code = """
def bound():
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
    team(CORES)
on_new_thread(bound)
assert eventually(lambda: len(team(8 * CORES, turns=LONG)) == CORES)
"""
    run(code)


@pytest.mark.parametrize("chunk", [0, 1, 3])
@pytest.mark.parametrize(
    ("where", "slots", "n"),
    [
        # On a new thread it is known to be brief, on the main thread to be tiny.
        ("on_new_thread", 2, 48),
        ("on_new_thread", 5, 48),
        ("on_new_thread", 16, 48),
        ("here", 2, 3),
    ],
)
def test_p5_a_launch_that_was_brief_before_and_is_long_now(
    where: str, slots: int, n: int, chunk: int
) -> None:
    # It begins on its thread alone; a team goes on.
    code = f"""
n = {n}
quiet = np.zeros(n, np.int64)
def threads_of(waits):
    with numba.parallel_chunksize({chunk}):
        return launch(waits)[1] if {chunk} else check(waits)
def launches():
    waits = np.full(n, 60_000 // n)
    return [alone(), me() in threads_of(waits), len(threads_of(waits)) > 1]
def alone():
    return threads_of(quiet) == {{me()}}
def learn_and_launch():
    # One launch in 61 is timed, and one that has waited is remembered for long. What else the
    # machine does may make one seem long.
    for _ in range(20):
        for _ in range(150):
            threads_of(quiet)
        if {where}(alone):
            break
    return {where}(launches) == [True, True, True]
assert eventually(learn_and_launch)
"""
    run(code, threads=repr(str(slots)))


def test_p5_more_threads_than_cores_where_a_kernel_waits_and_not_where_it_computes() -> None:
    code = """
n = 2 * CORES
for _ in range(3):
    assert eventually(lambda: len(team(n, wait=2000)) == n)
    # Once it is known to compute.
    assert eventually(lambda: len(team(8 * n, turns=LONG)) <= CORES)
    assert eventually(lambda: len(team(8 * n, turns=LONG)) == CORES)
"""
    run(code, threads="str(2 * CORES)")


def test_p5_one_iteration_that_waits_is_enough_for_all_threads() -> None:
    # Whichever of the slots is timed.
    code = """
n = 4 * CORES
def one_in_four():
    waits = np.full(n, 2000)
    waits[::4] = 0
    return len(check(waits))
# More than compute, at the least.
assert [one_in_four() > n // 2 for _ in range(200)].count(True) >= 100
"""
    run(code, threads="str(4 * CORES)")


def test_p5_one_iteration_leaves_the_threads_to_the_launches_inside_of_it() -> None:
    code = """
@numba.njit(parallel=True)
def outer(waits, turns, runs, ids, threads, waste):
    for i in numba.prange(len(runs)):
        kernels.busy(waits, turns, runs[i], ids[i], threads[i], waste)

def threads_inside():
    runs, ids, threads = np.zeros((3, 1, CORES), np.int64)
    outer(np.full(CORES, 2000), np.zeros(CORES, np.int64), runs, ids, threads, np.zeros(CORES))
    assert (runs == 1).all()
    assert (ids == np.arange(CORES)).all()
    return len(np.unique(threads))

assert any(threads_inside() == CORES for _ in range(20))
"""
    run(code)


def test_p5_any_mix_of_launches_on_any_threads() -> None:
    code = """
from hypothesis import HealthCheck, given, settings, strategies as st

launches = st.lists(
    st.tuples(
        st.integers(1, 2 * CORES),  # mask
        st.integers(1, 70),  # iterations
        st.sampled_from([0, 0, 0, 60]),  # microseconds to wait in some of them
        st.integers(1, 7),  # one in so many
        st.booleans(),  # on a new thread
    ),
    min_size=1,
    max_size=30,
)

def mixed(mask, n, wait, one_in, _):
    numba.set_num_threads(mask)
    waits = np.zeros(n, np.int64)
    waits[::one_in] = wait
    check(waits)

@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(launches)
def all_are_right(launches):
    for one in launches:
        if one[-1]:
            on_new_thread(lambda: mixed(*one))
        else:
            mixed(*one)

all_are_right()
"""
    run(code, threads="str(2 * CORES)")
