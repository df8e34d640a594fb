"""P5: a launch waits for nobody but who runs a slot of it, whatever slots of others wait for.

Each of these hangs, and is stopped after a minute, if a thread that waits takes a slot of somebody
else's meanwhile, or if a launch waits for a thread that may not come.
"""

import pytest
from harness.processes import run_python
from harness.runtimes import RUNTIMES, some_runtimes


def run(code: str, env: dict[str, str], before: str = "") -> None:
    begin = f"""
import os, threading
{before}
import numba, numpy as np
from concurrent.futures import ThreadPoolExecutor
from python_threads import on_new_thread
from sharing import *
from locks_and_pipes import *

def check(slots):
    assert (slots["mask"] == 8).all() and (slots["id"] == np.arange(8)).all(), slots
"""
    run_python(begin + code, {"NUMBA_NUM_THREADS": "8"} | env, timeout=60)


# Locks


@some_runtimes
def test_p5_slots_that_take_one_lock(env: dict[str, str], before: str) -> None:
    code = """
lock, counter = new_lock(), np.zeros(1, np.int64)
for _ in range(50):
    count_under(lock, counter, 16)
with ThreadPoolExecutor(4) as threads:
    for _ in range(100):
        threads.submit(count_under, lock, counter, 16)
assert counter[0] == 150 * 16
"""
    run(code, env, before)


@some_runtimes
def test_p5_slots_that_launch_with_a_lock_taken(env: dict[str, str], before: str) -> None:
    # Whoever waits for the inner launch has the lock: no other outer slot is for that thread.
    code = """
lock = new_lock()
for n in [1, 2, 3, 8, 16] * 5:
    for wait in (0, 50, 500):
        check(launch(n, 8, microseconds=wait, kernel=lambda *of: launch_under(lock, *of)))
"""
    run(code, env, before)


@some_runtimes
def test_p5_slots_that_launch_launches_with_a_lock_taken(env: dict[str, str], before: str) -> None:
    code = """
lock = new_lock()
for n in [1, 2, 3, 8] * 5:
    for wait in (0, 200):
        check(launch(n, 2, 8, microseconds=wait, kernel=lambda *of: launches_under(lock, *of)))
"""
    run(code, env, before)


@some_runtimes
def test_p5_slots_that_take_a_lock_beside_launches_with_it_taken(
    env: dict[str, str], before: str
) -> None:
    code = """
outer, inner = new_lock(), new_lock()
counter, counters = np.zeros(1, np.int64), np.zeros((8, 1), np.int64)
with ThreadPoolExecutor(4) as threads:
    for _ in range(20):
        threads.submit(count_under, outer, counter, 16)
        threads.submit(count_under_two, outer, inner, counters, 16)
assert counter[0] == 20 * 16
assert (counters == 20 * 16).all()
"""
    run(code, env, before)


# Events


@some_runtimes
@pytest.mark.parametrize("shape", [(8,), (2, 8)])
def test_p5_slots_that_wait_for_what_another_thread_does_after_its_launches(
    env: dict[str, str], before: str, shape: tuple[int, ...]
) -> None:
    # More slots wait than there are threads to help: some are left, and none is for the thread
    # that all of them wait for.
    code = f"""
kernel = {{1: read_in_each, 2: nested_reads}}[len({shape})]
reader, writer = os.pipe()
for _ in range(5):
    read = np.zeros((4, *{shape}), np.int8)
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(kernel, reader, one) for one in read]
        try:
            for wait in (0, 0, 100, 1000):
                for shape in ((8,), (1, 8), (3, 8), (2, 2, 8)):
                    check(launch(*shape, microseconds=wait))
            assert not any(one.done() for one in waiting)
        finally:
            os.write(writer, b"1" * read.size)
    for one in waiting:
        one.result()
    assert (read == ord("1")).all()
"""
    run(code, env, before)


@some_runtimes
def test_p5_slots_that_wait_in_python_for_another_threads_launches(
    env: dict[str, str], before: str
) -> None:
    code = """
launched = threading.Event()

@numba.njit(parallel=True)
def wait_for_event(n):
    for i in numba.prange(n):
        with numba.objmode():
            launched.wait()

def launch_and_tell():
    try:
        for shape in ((8,), (3, 8), (8,), (3, 8)):
            check(launch(*shape, microseconds=200))
    finally:
        launched.set()

wait_for_event(0)
for _ in range(10):
    launched.clear()
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(wait_for_event, 8) for _ in range(3)]
        threads.submit(launch_and_tell).result()
    for one in waiting:
        one.result()
"""
    run(code, env, before)


@some_runtimes
def test_p5_a_slot_that_waits_for_a_thread_that_it_has_started(
    env: dict[str, str], before: str
) -> None:
    code = """
def on_another_thread():
    on_new_thread(lambda: check(launch(3, 8, microseconds=100)))

@numba.njit(parallel=True)
def outer(n):
    for i in numba.prange(n):
        with numba.objmode():
            on_another_thread()

for n in (1, 2, 8, 16) * 2:
    outer(n)
"""
    run(code, env, before)


@some_runtimes
def test_p5_slots_in_object_mode_that_launch_such_slots(env: dict[str, str], before: str) -> None:
    code = """
counted = []

@numba.njit(parallel=True)
def inner(n):
    for i in numba.prange(n):
        with numba.objmode():
            counted.append(i)

@numba.njit(parallel=True)
def outer(n):
    for i in numba.prange(n):
        with numba.objmode():
            inner(8)
        inner(8)

for n in [2, 3, 8] * 5:
    counted.clear()
    outer(n)
    assert sorted(counted) == sorted([*range(8)] * 2 * n)
"""
    run(code, env, before)


# Regions of others


@pytest.mark.parametrize("runtime", ["GNU, the system's", "LLVM", "Intel"])
@pytest.mark.parametrize("deeper", [False, True])
def test_p5_launches_inside_of_a_foreign_region(runtime: str, deeper: bool) -> None:
    # In turn where no deeper level is allowed: who has made the region has made it so.
    code = f"""
import ctypes, openmp
check(launch(8))
check(launch(3, 8))
bound = openmp.bound()
if {deeper}:
    bound.set_max_active_levels(2)
seen = []
def launch_here(_):
    slots = launch(8, microseconds=500)
    check(slots)
    check(launch(3, 8, microseconds=50))
    seen.append([threading.get_native_id(), set(slots["thread"].tolist())])
body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(launch_here)
for _ in range(10):
    seen.clear()
    bound.library.GOMP_parallel(body, None, 3, 0)
    assert len(seen) == 3
    if not {deeper}:
        assert all(threads == {{me}} for me, threads in seen), seen
check(launch(8))
"""
    run(code, RUNTIMES[runtime])
