"""P6: forks while threads run slots of other threads' launches."""

import pytest
from harness.forking import RUNS, run
from harness.runtimes import GNU, INTEL, LLVM, on_each

CASES = {
    "GNU": (GNU, ""),
    "LLVM": (LLVM, ""),
    # Its fork handler warns of a fork beside a region.
    "Intel": ({"LD_PRELOAD": str(INTEL), "KMP_WARNINGS": "0"}, ""),
    "torch": ({}, "import torch; torch.set_num_threads(4)"),
    "more than torch": ({}, "import torch; torch.set_num_threads(2)"),
}
runtimes = on_each(CASES)
# Intel's ends a child where several threads enter it at once, first of all, whoever they are.
runtimes_for_threads_of_a_child = on_each({name: CASES[name] for name in ("LLVM", "torch")})
shapes = pytest.mark.parametrize("shape", [(8,), (3, 8)])


def run_beside_launches(
    case: str, env: dict[str, str], before: str, shape: tuple[int, ...]
) -> None:
    code = f"""
{before}
import numba, numpy as np
from sharing import SLOT, launch, two_levels, wait_in_each

CALLERS = {shape[0] if len(shape) > 1 else 1}

def threads_of(slots):
    assert (slots["mask"] == 8).all() and (slots["id"] == np.arange(8)).all(), slots
    return len(np.unique(slots["thread"]))

def in_parallel():
    # It may take some launches until it is known that they wait, and others on a busy machine.
    assert any(threads_of(launch(*{shape}, microseconds=1000)) > CALLERS for _ in range(100))

def others():
    threads_of(launch(*{shape}, microseconds=300))

@numba.njit(parallel=True)
def forks_in_a_slot(slots):
    for i in numba.prange(8):
        wait_in_each(slots[i], 100)
        if i == 5:
            with numba.objmode():
                in_child(in_parallel)

@numba.njit(parallel=True)
def forks_in_an_inner_slot(slots):
    for _ in numba.prange(3):
        forks_in_a_slot(slots)

in_parallel()
with Busy(others, others, others):
    for _ in range({RUNS}):
        {case}
in_parallel()
"""
    run(code, NUMBA_NUM_THREADS="8", **env)


@runtimes
@shapes
def test_p6_the_main_thread_forks(env: dict[str, str], before: str, shape: tuple[int, ...]) -> None:
    run_beside_launches("in_child(in_parallel)", env, before, shape)


@runtimes
@shapes
def test_p6_a_thread_that_launches_forks(
    env: dict[str, str], before: str, shape: tuple[int, ...]
) -> None:
    case = "on_thread(lambda: (others(), in_child(in_parallel), in_parallel()))"
    run_beside_launches(case, env, before, shape)


@runtimes_for_threads_of_a_child
@shapes
def test_p6_a_child_of_a_child_that_forks_beside_launches(
    env: dict[str, str], before: str, shape: tuple[int, ...]
) -> None:
    case = """
        def child():
            in_parallel()
            with Busy(others, others):
                in_child(in_parallel)
            in_parallel()
        in_child(child)
"""
    run_beside_launches(case.strip(), env, before, shape)


@runtimes_for_threads_of_a_child
@shapes
def test_p6_threads_of_a_child_launch_first_at_once(
    env: dict[str, str], before: str, shape: tuple[int, ...]
) -> None:
    case = """
        def child():
            with Busy(others, others, others, others):
                in_parallel()
        in_child(child)
"""
    run_beside_launches(case.strip(), env, before, shape)


@runtimes
@pytest.mark.parametrize("kernel", ["forks_in_a_slot", "forks_in_an_inner_slot"])
def test_p6_a_slot_forks(env: dict[str, str], before: str, kernel: str) -> None:
    # Whichever thread runs it: in the child it is the only one, and it never ends its slot.
    case = f"{kernel}(np.zeros((8, 8, SLOT.itemsize // 8), np.int64))"
    run_beside_launches(case, env, before, (8,))
