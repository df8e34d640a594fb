"""P6: whichever thread forks, and as often as it likes, parallel code works after it."""

import os

import pytest
from harness.forking import RUNS, run, run_again_and_again


@pytest.mark.needs_torch
def test_p6_main_thread() -> None:
    run_again_and_again("children_run(); both_run()", before="both_run()")


@pytest.mark.parametrize("runtime", ["libgomp.so.1", "libomp.so.5"])
def test_p6_numba_alone_on_gnus_and_on_llvms_runtime(runtime: str) -> None:
    case = "in_child(numba_starts); numba_runs()"
    run_again_and_again(case, before="numba_runs()", LD_PRELOAD=runtime)


@pytest.mark.needs_torch
def test_p6_another_python_thread_with_a_pool_of_its_own() -> None:
    case = "on_thread(lambda: (both_run(), children_run(), both_run()))"
    run_again_and_again(case, before="both_run()")


@pytest.mark.needs_torch
def test_p6_a_thread_that_never_ran_openmp() -> None:
    run_again_and_again("on_thread(children_run); both_run()", before="both_run()")


@pytest.mark.needs_torch
def test_p6_while_other_threads_are_inside_parallel_regions() -> None:
    before = """
import torch
both_run()
ones = torch.ones(1_000_000)
kernels().system_threads(4)
"""
    case = """
with Busy(numba_runs, ones.sum):
    children_run()
    on_thread(children_run)
both_run()
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
@pytest.mark.parametrize("slots", [4, 8])
def test_p6_from_inside_a_parallel_region(slots: int) -> None:
    # 8 slots beside a torch of 4 threads are shared with threads of the layer's own. Torch runs
    # serially wherever a region is active, and the child is inside of one for ever; not so its new
    # threads.
    before = """
import numba
numba.set_num_threads(4)
both_run()

def serial_torch_runs():
    torch_runs()
    before = tasks()
    torch_runs()
    assert no_threads_but(before)
    on_thread(torch_starts)

def fork_here(slots):
    in_child(lambda: (numba_starts(slots), in_child(lambda: numba_starts(slots))))
    in_child(serial_torch_runs)

@numba.njit(parallel=True)
def region(n, forks, slots):
    total = 0
    for i in numba.prange(n):
        if i == forks:
            with numba.objmode():
                fork_here(slots)
        total += i
    return total
"""
    case = f"""
numba.set_num_threads({slots})
for forking_slot in (0, {slots} - 1):
    assert region({slots}, forking_slot, {slots}) == sum(range({slots}))
numba_runs({slots})
numba.set_num_threads(4)
both_run()
"""
    run_again_and_again(case, before=before, NUMBA_NUM_THREADS="8")


@pytest.mark.parametrize("stays", [True, False])
def test_p6_slots_that_nobody_had_begun_at_a_fork_in_another_one(stays: bool) -> None:
    # Two threads more may run the slots, and wait for the fork there, so that most are left. They
    # are the parent's, and none of the threads of a child that launches runs them; but if the child
    # leaves its slot, the launch's caller goes on in it, too.
    slots = 4 * len(os.sched_getaffinity(0))
    code = f"""
import mmap, time
import numba, numpy as np
from system_calls import getpid, read
parent, (reader, writer) = os.getpid(), os.pipe()

def fork_here():
    child = os.fork()
    if child != 0:
        os.write(writer, bytes(2 * {slots}))
    elif {stays}:
        for _ in range(5):
            kernels().system_threads({slots})
            time.sleep(0.1)
        os._exit(0)

@numba.njit(parallel=True)
def launch(runs):
    for i in numba.prange(runs.shape[1]):
        if i == 0:
            with numba.objmode():
                fork_here()
        else:
            read(reader, np.empty(1).ctypes, 1)
        runs[int(getpid() != parent), i] += 1

runs = np.frombuffer(mmap.mmap(-1, 16 * {slots}), np.int64).reshape(2, -1)
launch(runs)
if os.getpid() != parent:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
print(json.dumps(runs.tolist()))
"""
    env = {"OMP_THREAD_LIMIT": "2", "NUMBA_NUM_THREADS": str(slots), "LD_PRELOAD": "libgomp.so.1"}
    in_parent, in_child = run(code, **env)
    assert in_parent == [1] * slots
    assert sum(in_child) == 0 if stays else sum(in_child) >= slots - 3


@pytest.mark.needs_torch
def test_p6_a_fork_in_a_fork_in_a_fork() -> None:
    case = """
def generation(n):
    if n == 0:
        return
    children_run()
    both_run()
    in_child(lambda: generation(n - 1))
generation(3)
"""
    run_again_and_again(case, before="both_run()")


@pytest.mark.needs_torch
def test_p6_hundreds_of_forks_in_a_row() -> None:
    code = f"""
both_run()
threads, files = len(tasks()), os.listdir("/proc/self/fd")
for _ in range({20 * RUNS}):
    in_child(numba_starts)
    numba_runs()
assert len(tasks()) <= threads + COUNT, (len(tasks()), threads)  # the crew's may have come
assert os.listdir("/proc/self/fd") == files
both_run()
"""
    run(code)
