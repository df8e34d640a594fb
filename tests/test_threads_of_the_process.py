"""P5: launches of many Python threads share the cores, and idle threads cost nothing.

A process here has two cores, or one where there are no two: as many threads and as much time of
cores on every machine.
"""

import os

import pytest
from harness.cores import CORES, needs_two_cores
from harness.processes import run_python
from harness.runtimes import GNU, LLVM, on_each

TWO_CORES = """
import json, os, threading, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
CORES = len(os.sched_getaffinity(0))
"""
runtimes = on_each({"GNU": (GNU, ""), "LLVM": (LLVM, ""), "torch": ({}, "import torch")})


@runtimes
@pytest.mark.parametrize("launch", ["launch_flat", "launch_nested"])
def test_p5_threads_grow_with_the_python_threads_and_not_with_their_product(
    env: dict[str, str], before: str, launch: str
) -> None:
    code = f"""
{TWO_CORES}
{before}
import forks, numba, numpy as np
from concurrent.futures import ThreadPoolExecutor
from teams import LONG, check

THREADS = 12
turns, waits = np.full(16, LONG), np.zeros(16, np.int64)

def launch_flat():
    check(waits, turns)

@numba.njit(parallel=True)
def outer(x, rows):
    for i in numba.prange(rows):
        inner(x[i])

@numba.njit(parallel=True)
def inner(x):
    for i in numba.prange(x.size):
        for _ in range(20_000):
            x[i] = x[i] * 0.5 + 1

def launch_nested():
    outer(np.zeros((3, 16)), 3)

outer(np.zeros((3, 16)), 0)  # compiled, and not launched
{before and "torch.ones(1_000_000).sum()"}
most, done, begun = 0, threading.Event(), threading.Barrier(THREADS)
def watch():
    global most
    while not done.is_set():
        most = max(most, len(forks.tasks()))
        time.sleep(0.001)

def work():
    begun.wait()
    for _ in range(20):
        {launch}()

others = len(forks.tasks()) - 1  # of torch
watcher = threading.Thread(target=watch)
watcher.start()
with ThreadPoolExecutor(THREADS) as threads:
    for one in [threads.submit(work) for _ in range(THREADS)]:
        one.result()
done.set()
watcher.join()
allowed = others + (THREADS + 2) + 8 + 2 * CORES + 4
print(json.dumps([most, allowed]))
"""
    most, allowed = run_python(code, {"NUMBA_NUM_THREADS": "8"} | env)
    assert most <= allowed


@pytest.mark.needs_torch
def test_p5_threads_that_launched_more_than_torchs_count_leave_none_behind() -> None:
    code = f"""
{TWO_CORES}
import torch
import forks, kernels, numba
from concurrent.futures import ThreadPoolExecutor
from patience import eventually

N, WAVES = 5, (12, 300, 300)
torch.set_num_threads(3)
torch.ones(1_000_000).sum()
numba.set_num_threads(N)
kernels.ids_and_masks(N)
torchs = len(forks.tasks()) - 1

def launch(begun):
    numba.set_num_threads(N)
    begun.wait(60)
    for _ in range(10):
        ids, _ = kernels.ids_and_masks(N)
        assert ids.tolist() == list(range(N)), ids
    begun.wait(60)
    return len(forks.tasks())

most = 0
for wave in WAVES:
    begun = threading.Barrier(wave)
    with ThreadPoolExecutor(wave) as threads:
        counts = [threads.submit(launch, begun) for _ in range(wave)]
        most = max(most, *(count.result() for count in counts))
CREW = max(N, CORES) + 1
allowed = 1 + torchs + CREW
assert eventually(lambda: len(forks.tasks()) <= allowed), (len(forks.tasks()), allowed)
# Pools of launches, all together, have no more threads than there are cores.
print(json.dumps([most, allowed + max(WAVES) + CORES]))
"""
    most, allowed = run_python(code, {"NUMBA_NUM_THREADS": "8"})
    assert most <= allowed


# One slot takes a second, and the rest of its launch nothing. By the time that threads had a core.
ONE_LONG_SLOT = """
import ctypes
import numba, numpy as np, openmp
from numba import cfunc, njit, prange, types
from sharing import all_at_once
from system_calls import clock_gettime, usleep

_member = types.ExternalFunction("omp_get_thread_num", types.int32())
CPU_TIME_OF_THIS_THREAD = 3

@njit
def compute():
    clock = np.zeros(4, np.int64)
    clock_gettime(CPU_TIME_OF_THIS_THREAD, clock[2:].ctypes)
    while (clock[0] - clock[2]) * 1_000_000_000 + clock[1] - clock[3] < 1_000_000_000:
        clock_gettime(CPU_TIME_OF_THIS_THREAD, clock.ctypes)

@njit
def sleep():
    usleep(1_000_000)

@cfunc(types.void(types.voidptr))
def member(_):
    if _member() == 0:
        {do}()

@njit(parallel=True)
def flat(n):
    for i in prange(n):
        if i == 5:
            {do}()

@njit(parallel=True)
def nested(n):
    for i in prange(n):
        if i == 1:
            flat(n)

def cpu_time(function, *arguments):
    begin = time.process_time()
    function(*arguments)
    return time.process_time() - begin

flat(0), nested(0)
assert all_at_once(8)  # all threads that there may be are there
body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(member.address)
region = openmp.bound().library.GOMP_parallel
def all_times():
    return cpu_time(region, body, None, 8, 0), cpu_time(flat, 8), cpu_time(nested, 8)
print(json.dumps([min(times) for times in zip(all_times(), all_times())]))
"""


@runtimes
@pytest.mark.parametrize("do", ["sleep", "compute"])
def test_p5_idle_threads_take_no_more_than_the_runtimes_own_at_its_barrier(
    env: dict[str, str], before: str, do: str
) -> None:
    code = f"{TWO_CORES}\n{before}\n{ONE_LONG_SLOT.format(do=do)}"
    region, flat, nested = run_python(code, {"NUMBA_NUM_THREADS": "8"} | env)
    assert flat < region + 0.1
    assert nested < region + 0.1


@pytest.mark.parametrize("binding", [{}, {"OMP_PROC_BIND": "true"}, {"OMP_PLACES": "cores"}])
def test_p5_threads_that_help_have_all_cores_where_the_runtime_binds_its_own(
    binding: dict[str, str],
) -> None:
    code = """
    import json, os
    import kernels, numba
    def launch_where_bound_to_one():
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        return kernels.largest_team(8)
    from python_threads import on_new_thread
    helpers = on_new_thread(launch_where_bound_to_one) & kernels.largest_team(8)
    print(json.dumps([sorted(os.sched_getaffinity(helper)) for helper in helpers]))
    """
    env = {"NUMBA_NUM_THREADS": "8"} | GNU | binding
    cores = run_python(code, env)
    assert len(cores) > 1
    assert cores == [sorted(os.sched_getaffinity(0))] * len(cores)


@needs_two_cores
@pytest.mark.parametrize("runtime", [GNU, LLVM], ids=["GNU", "LLVM"])
def test_p5_cores_that_a_process_gets_later_are_used(runtime: dict[str, str]) -> None:
    code = """
    import json, os
    import kernels, numpy as np
    from patience import most

    wide = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, wide[:1])

    def computed_by():
        runs, ids, threads = np.zeros((3, 8), np.int64)
        turns = np.full(8, 300_000)
        kernels.busy(np.zeros(8, np.int64), turns, runs, ids, threads, np.zeros(8))
        return set(threads.tolist())

    def cores_of_helpers():
        helpers = computed_by() - {os.getpid()}
        return sorted(set().union(*map(os.sched_getaffinity, helpers)))

    confined = min(len(computed_by()) for _ in range(20))
    kernels.largest_team(8, seconds=1)  # waits, and has helpers
    os.sched_setaffinity(0, wide)
    print(json.dumps([confined, most(cores_of_helpers, len(wide), size=len)]))
    """
    confined, cores = run_python(code, {"NUMBA_NUM_THREADS": "8"} | runtime)
    assert confined == 1
    assert cores == CORES
