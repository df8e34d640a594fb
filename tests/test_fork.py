"""P6: after a fork, from any state, parallel code works in the child and in the parent."""

import pytest
from processes import run_python

FORKED = """
import json, os, sys, threading
{imports}
import numba
numba.config.NUMBA_NUM_THREADS = 8
import kernels

def threads():
    return len(os.listdir("/proc/self/task"))

def in_child(function):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        result = json.load(answer)
    assert os.waitpid(pid, 0)[1] == 0
    return result

def launch():
    return [kernels.launch(), threads()]

{body}
"""


def forked(body: str, imports: str = "", **env: str) -> list[list[int]]:
    env.setdefault("OMP_NUM_THREADS", "4")
    # From 3.12 on, Python itself warns of every fork of a process with several threads.
    options = ("-W", "ignore:This process:DeprecationWarning")
    code = FORKED.format(imports=imports, body=body)
    result: list[list[int]] = run_python(code, env, options=options)
    return result


@pytest.mark.parametrize("runtime", ["libgomp.so.1", "libomp.so.5"])
def test_p6_numba_is_parallel_in_child_and_parent(runtime: str) -> None:
    body = """
launch()
results = [in_child(launch), launch(), in_child(lambda: in_child(launch)), launch()]
print(json.dumps(results))
"""
    results = forked(body, LD_PRELOAD=runtime)
    assert all(count == 4 and threads >= 4 for count, threads in results)


def test_p6_numba_is_parallel_in_a_child_of_a_parent_that_never_launched() -> None:
    body = "print(json.dumps([in_child(launch), launch(), in_child(launch)]))"
    assert all(count == 4 and threads >= 4 for count, threads in forked(body))


@pytest.mark.needs_torch
def test_p6_numba_and_torch_are_parallel_in_child_and_parent() -> None:
    body = """
def both():
    torch.set_num_threads(4)
    torch.ones(1_000_000).sum()
    with_torch = threads()
    return [with_torch, *launch()]
print(json.dumps([both(), in_child(both), both(), in_child(both)]))
"""
    for with_torch, count, with_numba in forked(body, "import torch"):
        assert with_torch >= 4
        assert count == 4
        assert with_numba == with_torch


@pytest.mark.needs_torch
def test_p6_first_launch_in_the_child_of_a_parent_where_only_torch_ran() -> None:
    body = """
torch.set_num_threads(4)
torch.ones(1_000_000).sum()
results = [in_child(launch), in_child(lambda: in_child(launch)), launch()]
print(json.dumps(results))
"""
    for count, threads in forked(body, "import torch"):
        assert count == 4
        assert threads >= 4


@pytest.mark.needs_torch
def test_p6_a_runtime_that_launches_have_left_for_torchs_works_in_the_child() -> None:
    body = """
import openmp
launch()
private = openmp.bound()
import torch
torch.set_num_threads(4)
launch()
assert openmp.bound().library._name != private.library._name

def region_on_the_former_runtime():
    import ctypes
    ran = []
    body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: ran.append(1))
    private.library.GOMP_parallel(body, None, 4, 0)
    return [len(ran), threads()]
print(json.dumps([in_child(region_on_the_former_runtime), in_child(launch)]))
"""
    for count, threads in forked(body, "import sklearn.utils._openmp_helpers"):
        assert count == 4
        assert threads >= 4


@pytest.mark.needs_torch
def test_p6_a_torch_that_no_launch_has_met_yet_works_in_the_child() -> None:
    # The layer runs on scikit-learn's own libgomp until it meets torch, here at the fork.
    body = """
launch()
import torch
torch.set_num_threads(4)
torch.ones(1_000_000).sum()
def op():
    torch.ones(1_000_000).sum()
    return [torch.get_num_threads(), threads()]
print(json.dumps([in_child(launch), in_child(op), launch()]))
"""
    for count, threads in forked(body, "import sklearn.utils._openmp_helpers"):
        assert count == 4
        assert threads >= 4


@pytest.mark.needs_torch
def test_p6_the_layers_own_primary_threads_come_anew_in_the_child() -> None:
    # 8 slots beside a torch of 2 threads run in another pool than the caller's.
    body = """
torch.set_num_threads(2)
results = [launch(), in_child(launch), launch(), in_child(lambda: in_child(launch))]
print(json.dumps(results))
"""
    for count, threads in forked(body, "import torch", NUMBA_NUM_THREADS="8"):
        assert count == 8
        assert threads >= 8


def test_p6_a_mask_and_the_default_are_inherited() -> None:
    body = """
import numba_ompsafe
numba_ompsafe.set_default_num_threads(3)
default = in_child(launch)[0]
numba.set_num_threads(1)
print(json.dumps([default, in_child(launch)[0], launch()[0]]))
"""
    assert forked(body) == [3, 1, 1]


def test_p6_from_threads_that_launch_while_others_fork() -> None:
    # Launched once before, so that no thread holds Numba's compiler lock at a fork.
    body = """
launch()
stop = threading.Event()
def keep_launching():
    while not stop.is_set():
        kernels.launch()
launchers = [threading.Thread(target=keep_launching) for _ in range(3)]
for thread in launchers:
    thread.start()
results = [in_child(launch)[0] for _ in range(20)]
stop.set()
for thread in launchers:
    thread.join()
print(json.dumps(results + [launch()[0]]))
"""
    assert set(forked(body)) == {4}


def test_p6_right_after_threads_with_a_pool_have_ended() -> None:
    # The pool of a thread that ends unwinds its threads' stacks, under a lock that a child needs
    # as soon as it compiles something.
    body = """
@numba.njit
def compiled_in_child(x):
    return x + 1
def compile_and_launch():
    return [compiled_in_child(len(results)), *launch()]
results = []
for _ in range(30):
    workers = [threading.Thread(target=kernels.launch) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    results.append(in_child(compile_and_launch)[1])
print(json.dumps(results))
"""
    assert set(forked(body)) == {4}


def test_p6_from_inside_a_parallel_region_the_child_runs_its_slots_in_turn() -> None:
    body = """
answers = []
def fork_and_launch():
    answers.append(in_child(lambda: int(kernels.total(numba.np.numpy_support.np.ones(1000)))))

@numba.njit(parallel=True)
def region(n):
    acc = 0
    for i in numba.prange(n):
        if i == 0:
            with numba.objmode():
                fork_and_launch()
        acc += 1
    return acc

print(json.dumps([region(8), answers, launch()[0]]))
"""
    assert forked(body) == [8, [1000], 4]
