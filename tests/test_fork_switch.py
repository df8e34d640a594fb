"""P6 and P8: NUMBA_OMPSAFE_FORK switches off what is done around forks."""

import pytest
from harness.forking import run, run_again_and_again


@pytest.mark.needs_torch
def test_p6_switched_off_pools_stay_and_the_child_runs_its_slots_in_turn() -> None:
    before = """
import numba
def in_turn():
    before = tasks()
    numba_runs()
    assert no_threads_but(before)
    on_thread(numba_starts)
torch_runs()
numba_runs()
pool = tasks()
"""
    case = """
in_child(in_turn)
in_child(lambda: in_child(in_turn))
torch_runs()
numba_runs()
assert pool <= tasks()
"""
    run_again_and_again(case, before=before, NUMBA_OMPSAFE_FORK="0")


@pytest.mark.parametrize("value", ["no", "2", "-1"])
def test_p8_a_switch_with_nonsense_is_an_error_that_names_it(value: str) -> None:
    code = """
def answer():
    try:
        numba_runs()
    except ValueError as error:
        return str(error)
print(json.dumps([in_child(answer), answer()]))
"""
    for error in run(code, NUMBA_OMPSAFE_FORK=value):
        assert f"NUMBA_OMPSAFE_FORK={value!r}" in error
        assert "set it to 0" in error


@pytest.mark.parametrize("value", ["1", "nonsense"])
def test_p6_a_child_that_launches_before_its_parent_leaves_no_semaphore_behind(value: str) -> None:
    # Under the default start method of Python 3.14 a lock between processes is one with a name.
    code = """
import multiprocessing
multiprocessing.set_start_method("forkserver")
def launches():
    try:
        numba_runs()
    except ValueError as error:
        return "NUMBA_OMPSAFE_FORK" in str(error)
    return True
assert in_child(launches)
assert launches()
"""
    run(code, NUMBA_OMPSAFE_FORK=value)


@pytest.mark.parametrize("value", ["", "1"])
def test_p6_switched_on_is_as_unset(value: str) -> None:
    run("numba_runs(); in_child(numba_starts); numba_runs()", NUMBA_OMPSAFE_FORK=value)
