"""P6: a fork before the layer is there, or torch, or while one of them or a kernel comes to be."""

import pytest
from harness.forking import RUNS, run, run_again_and_again, run_in_fresh_processes


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


@pytest.mark.parametrize("runs", ["numba_runs()", "in_child(numba_runs)"])
@pytest.mark.parametrize(
    "before",
    [
        "numba_runs()",
        # A pool of another runtime's, which has come since the layer looked.
        pytest.param(
            "numba_runs(); import torch; torch_runs(); torch_runs()", marks=pytest.mark.needs_torch
        ),
        pytest.param("import torch; torch_runs(); numba_runs()", marks=pytest.mark.needs_torch),
    ],
)
def test_p6_a_child_of_a_launch_that_was_not_forked_from_python(before: str, runs: str) -> None:
    code = f"""
import ctypes
fork = ctypes.PyDLL(None).fork
{before}
pid = fork()
if pid == 0:
    {runs}
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    run(code)


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
    for part in range(RUNS):
        run(code.format(delay=0.02 * part / RUNS))


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
