"""P6: after a fork, from any state, parallel code works in the child and in the parent.

Each case forks RUNS times: in one process, or where the first fork of a process is one of its own
kind, in some processes.
"""

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
from harness.processes import FORK_RUNS as RUNS
from harness.processes import run_python

# Python that makes a context manager: what goes on meanwhile, once all libraries are loaded.
BESIDE = os.environ.get("TESTS_FORK_BESIDE", "nullcontext()")

# From 3.12 on, Python itself warns of every fork of a process with several threads.
OPTIONS = ("-W", "ignore:This process:DeprecationWarning")


def run(code: str, *, layer: str | None = "ompsafe", **env: str) -> Any:
    return run_python(
        "import json, os, sys, threading\n"
        "from contextlib import nullcontext\nfrom forks import *\n" + code,
        {"OMP_NUM_THREADS": "4"} | env,
        options=OPTIONS,
        layer=layer,
        timeout=120 + 4 * RUNS,
    )


def run_again_and_again(
    case: str, *, before: str, runs: int = RUNS, beside: str = BESIDE, **env: str
) -> None:
    """Run ``case`` in one process, after ``before`` and beside ``beside``."""
    lines = textwrap.indent(case.strip(), "    " * 2)
    run(f"{before}\nwith {beside}:\n    for _ in range({runs}):\n{lines}", **env)


def run_in_fresh_processes(case: str, *, before: str = "") -> None:
    """Run ``case``, whose first fork in a process is one of its own kind, in four processes.

    Not in more: torch takes seconds to be imported where it comes with CUDA.
    """
    processes = min(RUNS, 4)
    for _ in range(processes):
        run_again_and_again(case, before=before, runs=RUNS // processes, beside="nullcontext()")


# Who forks


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
assert len(tasks()) == threads and os.listdir("/proc/self/fd") == files
both_run()
"""
    run(code)


# What had happened before


def test_p6_before_the_first_launch() -> None:
    run_in_fresh_processes("in_child(numba_starts)", before="import numba")


@pytest.mark.needs_torch
@pytest.mark.parametrize(
    "imports",
    ["", pytest.param("import numba; numba.njit(lambda: None)()", id="import numba")],
)
def test_p6_torch_alone_has_run(imports: str) -> None:
    case = "torch_runs(); in_child(torch_starts); in_child(numba_first)"
    run_in_fresh_processes(case, before=imports)


@pytest.mark.needs_torch
def test_p6_a_child_of_a_parent_that_had_torch_and_did_not_ask_for_the_layer() -> None:
    # Torch hangs there as it always did; Numba keeps away from its pool.
    code = """
torch_runs()
def keeps_away():
    ask_for_the_layer()
    numba_runs()
    in_child(numba_starts)
    on_thread(torch_runs)
in_child(keeps_away)
in_child(lambda: in_child(keeps_away))
in_child(lambda: on_thread(lambda: in_child(keeps_away)))
"""
    run(code, layer=None)


@pytest.mark.needs_torch
def test_p6_a_child_that_imports_torch_and_asks_for_the_layer_itself() -> None:
    # As in multiprocessing's workers of the start method forkserver: one pool, as everywhere.
    run("in_child(ask_and_run); in_child(lambda: in_child(ask_and_run))", layer=None)


@pytest.mark.needs_torch
def test_p6_a_child_of_a_parent_that_had_torch_and_never_ran_it() -> None:
    run("import torch; in_child(ask_and_run)", layer=None)


@pytest.mark.needs_torch
def test_p6_a_child_that_was_not_forked_from_python_keeps_away_from_its_pools() -> None:
    code = """
import ctypes
fork = ctypes.PyDLL(None).fork
def run_torch_and_fork():
    torch_runs()
    pid = fork()
    if pid == 0:
        ask_for_the_layer()
        numba_runs()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
in_child(run_torch_and_fork)
"""
    run(code, layer=None)


def test_p6_while_another_thread_starts_the_layer() -> None:
    code = """
import numba, time
numba.config.NUMBA_NUM_THREADS = 8
first = threading.Thread(target=numba.get_num_threads)
first.start()
time.sleep({delay})
in_child(numba_starts)
first.join()
numba_runs()
"""
    for run_of_20 in range(min(RUNS, 20)):
        run(code.format(delay=run_of_20 / 1000))


def test_p6_threads_with_pools_have_just_ended() -> None:
    # The pool of a thread that ends unwinds its threads' stacks, under a lock that a child needs
    # as soon as it compiles something.
    before = """
import numba
numba_runs()
@numba.njit
def compiled_in_child(x):
    return x + 1
def compile_and_launch():
    assert compiled_in_child(1) == 2
    numba_runs()
"""
    case = """
workers = [threading.Thread(target=numba_runs) for _ in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
in_child(compile_and_launch)
"""
    run_again_and_again(case, before=before)


def test_p6_while_another_thread_compiles() -> None:
    before = """
import numba
numba_runs()
def compile_anew():
    @numba.njit
    def function(x):
        return x * 2 + 1
    assert function(3) == 7
def compile_and_launch():
    compile_anew()
    numba_runs()
"""
    case = """
with Busy(compile_anew):
    in_child(compile_and_launch)
    on_thread(lambda: in_child(lambda: in_child(compile_and_launch)))
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_threads_of_the_layers_own_are_there() -> None:
    # 8 slots beside a torch of 2 threads are shared with others than those of the caller's pool.
    before = """
import torch
torch.set_num_threads(2)
numba_runs(8)
"""
    case = """
numba_runs(8)
in_child(lambda: (numba_starts(8), in_child(lambda: numba_starts(8))))
in_child(lambda: torch_starts(2))
"""
    run_again_and_again(case, before=before, NUMBA_NUM_THREADS="8")


@pytest.mark.needs_torch
def test_p6_a_torch_that_no_launch_has_met_yet() -> None:
    # The layer runs on scikit-learn's own libgomp until it meets torch.
    code = """
import sklearn.utils._openmp_helpers
numba_runs()
import torch
torch_runs()
children_run()
both_run()
"""
    run(code)


@pytest.mark.needs_torch
def test_p6_runtimes_that_only_other_libraries_use() -> None:
    # scikit-learn's wheel has a libgomp of its own.
    before = """
import numpy as np, torch
from sklearn.cluster import KMeans
points = np.random.default_rng(0).random((4000, 8))
def scikit_learn_runs():
    KMeans(8, n_init=1, max_iter=5).fit(points)
def scikit_learn_starts():
    before = tasks()
    scikit_learn_runs()
    assert len(tasks() - before) >= 3
both_run()
"""
    case = """
scikit_learn_runs()
in_child(scikit_learn_starts)
children_run()
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_threads_of_another_runtimes_region_have_launched() -> None:
    # Each has a pool of its own then, in torch's runtime, which ends with it: as the forking
    # thread's pool in the other runtime ends, or later as the thread does that opened the region.
    before = """
import ctypes, openmp
import sklearn.utils._openmp_helpers
both_run()
(path,) = (path for path in openmp.runtimes() if path != openmp.bound_path())
region = openmp.Runtime(path).library.GOMP_parallel
body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: numba_runs())
"""
    case = """
region(body, None, 3, 0)
children_run()
on_thread(lambda: region(body, None, 3, 0))
children_run()
"""
    run_again_and_again(case, before=before)


def test_p6_llvms_runtime_under_the_name_of_gnus(tmp_path: Path) -> None:
    # Some distributions install it so.
    code = "import openmp; print(json.dumps(openmp.runtimes()[0]))"
    (tmp_path / "libgomp.so.1").symlink_to(run(code, LD_PRELOAD="libomp.so.5"))
    case = "in_child(lambda: in_child(numba_starts)); in_child(numba_starts); numba_runs()"
    run_again_and_again(case, before="numba_runs()", LD_PRELOAD=str(tmp_path / "libgomp.so.1"))


# What the child inherits


@pytest.mark.needs_torch
def test_p6_settings_are_those_of_before_in_parent_and_child() -> None:
    before = """
import openmp, torch
both_run()
torch.set_num_threads(3)
runtime = openmp.bound()
runtime.set_max_active_levels(2)
runtime.set_schedule(3, 7)
runtime.set_dynamic(1)
torch.ones(1_000_000).sum()
settings = runtime.icvs()
assert settings["nthreads-var"] == 3
"""
    case = """
assert in_child(runtime.icvs) == settings
assert in_child(torch.get_num_threads) == 3
assert runtime.icvs() == settings and torch.get_num_threads() == 3
in_child(lambda: numba_starts(3))
torch.ones(1_000_000).sum()
"""
    run_again_and_again(case, before=before)


def test_p6_a_mask_and_the_default_are_inherited() -> None:
    before = """
import numba, numba_ompsafe
numba.config.NUMBA_NUM_THREADS = 8
numba_runs()
"""
    case = """
numba_ompsafe.set_default_num_threads(3)
in_child(lambda: numba_starts(3))
def with_a_mask():
    numba.set_num_threads(2)
    in_child(lambda: numba_starts(2))
on_thread(with_a_mask)
numba_ompsafe.set_default_num_threads(None)
in_child(numba_starts)
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_the_count_follows_torch_in_the_child() -> None:
    case = """
def one_thread():
    torch.set_num_threads(1)
    before = tasks()
    numba_runs(1)
    assert no_threads_but(before)
in_child(one_thread)
both_run()
"""
    run_again_and_again(case, before="import torch; both_run()")


# What it must not cost


@pytest.mark.needs_torch
def test_p6_processes_that_are_not_forked_from_python_leave_the_pools_alone() -> None:
    before = """
import subprocess
both_run()
pool = tasks()
"""
    case = """
subprocess.run([sys.executable, "-S", "-c", ""], check=True)
os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
assert pool <= tasks()
numba_runs()
torch_runs()
assert pool <= tasks()
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_a_process_that_runs_neither_numba_nor_torch_pays_nothing() -> None:
    code = """
in_child(lambda: None)
modules = [name for name in sys.modules if name.startswith("numba")]
assert modules == ["numba_ompsafe", "numba_ompsafe._startup"], modules
"""
    run(code)


@pytest.mark.needs_torch
def test_p6_a_process_that_never_launched_gets_no_thread_and_no_runtime() -> None:
    code = """
import numba, openmp
threads, runtimes = tasks(), openmp.runtimes()
assert in_child(lambda: [len(tasks()), openmp.runtimes()]) == [1, runtimes]
assert tasks() == threads and openmp.runtimes() == runtimes
"""
    run(code)


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


@pytest.mark.parametrize("layer", ["ompsafe", "workqueue"])
def test_p6_a_fork_as_the_interpreter_shuts_down_prints_nothing(layer: str) -> None:
    # Python refuses it from 3.12 on.
    code = """
import numba
class ForksAtTheEnd:
    def __init__(self):
        self.fork, self.wait, self.exit = os.fork, os.waitpid, os._exit
        self.refused = RuntimeError
    def __del__(self):
        try:
            pid = self.fork()
        except self.refused:
            return
        if pid == 0:
            self.exit(0)
        self.wait(pid, 0)
sys.modules["builtins"].at_the_end = ForksAtTheEnd()
late = ForksAtTheEnd()
"""
    run(code, layer=layer)


# NUMBA_OMPSAFE_FORK


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


@pytest.mark.parametrize("value", ["", "1"])
def test_p6_switched_on_is_as_unset(value: str) -> None:
    run("numba_runs(); in_child(numba_starts); numba_runs()", NUMBA_OMPSAFE_FORK=value)
