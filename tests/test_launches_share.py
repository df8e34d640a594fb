"""P5: idle threads take slots of launches that have some left; whoever runs them, they are slots.

That threads take part shows in how many slots wait at the same time, on any machine.
"""

from typing import Any

import pytest
from harness.cores import needs_two_cores
from harness.processes import run_python
from harness.runtimes import GNU, every_runtime, some_runtimes


def run(code: str, env: dict[str, str], before: str = "") -> Any:
    begin = f"import json\n{before}\nimport numba, numpy as np\nfrom sharing import *\n"
    return run_python(begin + code, {"NUMBA_NUM_THREADS": "8"} | env)


# All threads take part


@every_runtime
def test_p5_all_slots_of_a_launch_at_once(env: dict[str, str], before: str) -> None:
    run("assert all_at_once(8)", env, before)


@every_runtime
def test_p5_slots_of_nested_launches_at_once(env: dict[str, str], before: str) -> None:
    # Their own callers alone would be as many as there are outer iterations.
    code = "print(json.dumps([all_at_once(outer, 8) for outer in (2, 3, 4)]))"
    assert run(code, env, before) == [True] * 3


@every_runtime
def test_p5_slots_three_levels_deep_at_once(env: dict[str, str], before: str) -> None:
    run("assert all_at_once(2, 2, 8)", env, before)


@some_runtimes
def test_p5_slots_of_nested_launches_of_a_new_thread_at_once(
    env: dict[str, str], before: str
) -> None:
    code = """
from python_threads import on_new_thread
assert on_new_thread(lambda: all_at_once(2, 8))
"""
    run(code, env, before)


@some_runtimes
def test_p5_chunks_of_nested_launches_at_once(env: dict[str, str], before: str) -> None:
    run("assert all_at_once(2, 16, kernel=in_chunks)", env, before)


@some_runtimes
def test_p5_slots_of_a_launch_inside_of_objmode_at_once(env: dict[str, str], before: str) -> None:
    # One that holds the GIL as it begins.
    code = """
@numba.njit(parallel=True)
def in_objmode(slots, microseconds):
    for i in numba.prange(slots.shape[0]):
        with numba.objmode():
            wait_in_each(slots[i], microseconds)
assert all_at_once(2, 8, kernel=in_objmode)
"""
    run(code, env, before)


def test_p5_slots_of_the_one_slot_that_launches_at_once() -> None:
    # Members that are done early go on with the launches of those that are not.
    code = """
@numba.njit(parallel=True)
def last_alone(slots, microseconds):
    for i in numba.prange(8):
        if i == 7:
            wait_in_each(slots, microseconds)
assert all_at_once(32, kernel=last_alone)
"""
    run(code, GNU)


def test_p5_slots_of_nested_launches_that_were_brief_before() -> None:
    code = """
from system_calls import gettid, usleep
from numba import njit, prange
from patience import eventually

@njit(parallel=True)
def inner(threads, microseconds):
    for i in prange(threads.size):
        threads[i] = gettid()
        if microseconds > 0:
            usleep(microseconds)

inner(np.zeros(8, np.int64), 0)  # compiled before what launches it, or it is no launch there

@njit(parallel=True)
def outer(threads, microseconds):
    for i in prange(threads.shape[0]):
        inner(threads[i], microseconds)

def threads(microseconds):
    found = np.zeros((2, 8), np.int64)
    outer(found, microseconds)
    return len(np.unique(found))

for _ in range(500):
    threads(0)
assert eventually(lambda: threads(WAIT) > 2)
"""
    run(code, {})


@needs_two_cores
def test_p5_launches_around_brief_ones_go_back_to_their_team() -> None:
    # One of the brief ones looks as if it were worth some help, sooner or later.
    code = """
import ctypes
from system_calls import usleep
import openmp
from numba import njit, prange
from patience import eventually

@njit(parallel=True)
def inner(x):
    numba.set_parallel_chunksize(1)
    for i in prange(x.size):
        x[i] += 1

inner(np.zeros(16))
get_level = openmp.bound().get_level
get_level.restype, get_level.argtypes = ctypes.c_int, ()

@njit(parallel=True)
def outer(levels, x):
    for i in prange(levels.size):
        levels[i] = get_level()
        usleep(100)
        for _ in range(100):
            inner(x[i])

numba.set_num_threads(2)
levels, x = np.zeros(2, np.int64), np.zeros((2, 16))
def in_region():
    outer(levels, x)
    return bool(levels.all())

for _ in range(3000):
    in_region()
assert eventually(in_region)
"""
    run(code, {})


@needs_two_cores
def test_p5_a_slot_that_there_was_no_core_for_when_one_is_left() -> None:
    # Two Python threads have both cores. One stops launching, and says so to nobody, while the
    # other is in a slot that lasts until somebody has begun the next one.
    code = """
import os, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
from concurrent.futures import ThreadPoolExecutor
import numba, numpy as np
from kernels import compute_until
from patience import eventually

@numba.njit(parallel=True)
def kernel(begun, awaited, seconds):
    for i in numba.prange(2):
        begun[i] = 1
        compute_until(awaited, 1 - i, seconds[i])

def flags():
    return np.zeros(2, np.int64)

SHORT, LONG = 0.1, 20.0  # seconds
for _ in range(3):
    kernel(flags(), flags(), np.array([SHORT, SHORT]))  # known to compute, and for how long
with ThreadPoolExecutor(2) as threads:
    def begin(awaited, begun, *seconds):
        launch = threads.submit(kernel, begun, awaited, np.array(seconds))
        assert eventually(begun.any)
        return launch

    until_released = [flags() for _ in range(2)]
    launches = [begin(awaited, flags(), LONG, SHORT) for awaited in until_released]
    until_released[0][1] = 1
    launches[0].result()
    time.sleep(5 * SHORT)  # whoever helps with the other launch has long gone to sleep
    begun = flags()
    meeting = begin(begun, begun, LONG, LONG)
    until_released[1][1] = 1
    launches[1].result()
    assert eventually(begun.all, 10)
"""
    run_python(code, {"NUMBA_NUM_THREADS": "2"})


@pytest.mark.needs_torch
def test_p5_more_slots_than_torchs_pool_has_threads() -> None:
    # torch keeps the threads that it has, and no others come and go.
    code = """
import forks
def pair():
    torch.ones(1_000_000).sum()
    with_torch = forks.tasks()
    slots = launch(8)
    return len(set(slots["thread"].tolist())), forks.tasks() - with_torch
torch.ones(1_000_000).sum()
torchs = forks.tasks()
assert all_at_once(8)
assert torch.get_num_threads() == 2
# A launch that others keep from its cores for long may be one of few threads.
pairs = [pair() for _ in range(30)]
assert [threads for threads, _ in pairs].count(8) >= 15, pairs
assert [len(new) for _, new in pairs].count(0) >= 25, pairs
assert torchs <= forks.tasks()
assert torch.get_num_threads() == 2
"""
    run(code, {}, "import torch\ntorch.set_num_threads(2)")


# Slots are slots


@some_runtimes
@pytest.mark.parametrize("shape", [(8,), (3, 8), (2, 2, 8)])
def test_p5_ids_and_masks_of_slots_that_others_run(
    env: dict[str, str], before: str, shape: tuple[int, ...]
) -> None:
    code = f"""
for wait in [WAIT] * 5 + [50] * 20 + [0] * 100:
    slots = launch(*{shape}, microseconds=wait)
    assert (slots["mask"] == 8).all(), slots["mask"]
    assert (slots["id"] == np.arange(8)).all(), slots["id"]
"""
    run(code, env, before)


@some_runtimes
def test_p5_no_two_chunks_run_under_one_id(env: dict[str, str], before: str) -> None:
    code = """
def check(slots):
    assert (slots["mask"] == 8).all(), slots["mask"]
    assert set(slots["id"].ravel().tolist()) <= set(range(8)), slots["id"]
    assert one_at_a_time_under_each_id(slots), slots
for wait in [200] * 20 + [0] * 50:
    check(launch(3, 40, microseconds=wait, kernel=in_chunks))
    with numba.parallel_chunksize(1):
        check(launch(40, microseconds=wait))
"""
    run(code, env, before)


@some_runtimes
def test_p5_a_mask_that_is_set_in_a_slot_holds_in_it_and_ends_with_it(
    env: dict[str, str], before: str
) -> None:
    code = """
def check(slots, masks):
    for one, mask in zip(slots, masks, strict=True):
        assert (one["mask"] == mask).all(), slots["mask"]
        blocks = np.array_split(one["id"], mask)
        assert all((block == slot).all() for slot, block in enumerate(blocks)), one["id"]
for wait in [1000] * 10 + [0] * 100:
    check(launch(8, 8, microseconds=wait, kernel=under_masks), range(1, 9))
    check(launch(3, 8, microseconds=wait), [8] * 3)
assert numba.get_num_threads() == 8
"""
    run(code, env, before)


BITS = """
x = np.random.default_rng(1).normal(size=10_007) * 10.0 ** np.arange(10_007) ** 0.1
def bits_of(total):
    return float(total).hex()
"""


@some_runtimes
def test_p5_bits_of_a_reduction_whoever_runs_its_slots(env: dict[str, str], before: str) -> None:
    flat = "print(json.dumps([bits_of(waiting_total(x))]))"
    nested = """
rounds = [totals(x, n) for _ in range(100) for n in (2, 3, 8)]
print(json.dumps(sorted({bits_of(one) for totals in rounds for one in totals})))
"""
    begin = f"import json, numpy as np\nfrom sharing import *\n{BITS}"
    in_turn = run_python(begin + flat, {"NUMBA_NUM_THREADS": "8"}, layer="workqueue")
    assert run(BITS + flat, env, before) == in_turn
    assert run(BITS + nested, env, before) == in_turn


@some_runtimes
def test_p5_ufuncs_and_gufuncs_inside_of_a_slot(env: dict[str, str], before: str) -> None:
    code = """
import ufuncs

@numba.guvectorize(["void(float64[:], float64[:])"], "(n)->()", target="parallel")
def sums(row, result):
    result[0] = row.sum()

x = np.arange(40_000.0)
def right():
    rows = x.reshape(-1, 8)
    return bool((ufuncs.add(x, x) == 2 * x).all() and (sums(rows) == rows.sum(axis=1)).all())

@numba.njit(parallel=True)
def in_slots(n):
    wrong = 0
    for i in numba.prange(n):
        with numba.objmode(ok="boolean"):
            ok = right()
        wrong += not ok
    return wrong

assert sum(in_slots(n) for _ in range(20) for n in (1, 2, 3, 20)) == 0
"""
    run(code, env, before)


@some_runtimes
def test_p5_an_exception_in_a_slot_leaves_no_trace(env: dict[str, str], before: str) -> None:
    # It gets to the caller where the caller runs the slot, and Numba makes nothing sensible of it.
    # Elsewhere it is lost.
    code = """
from system_calls import usleep

@numba.njit
def check(i):
    usleep(500)
    if i == 5:
        raise ValueError("in a slot")

@numba.njit(parallel=True)
def inner(done):
    for i in numba.prange(8):
        check(i)
        done[i] += 1

@numba.njit(parallel=True)
def outer(n, done):
    for i in numba.prange(n):
        inner(done[i])

for n in [1, 2, 3, 8] * 10:
    done = np.zeros((n, 8), np.int64)
    try:
        outer(n, done)
    except (SystemError, ValueError):
        pass
    assert (np.delete(done, 5, axis=1) == 1).all() and (done[:, 5] == 0).all(), done
    slots = launch(n, 8, microseconds=0)
    assert (slots["mask"] == 8).all() and (slots["id"] == np.arange(8)).all()
"""
    run(code, env, before)
