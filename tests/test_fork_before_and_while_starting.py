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


@pytest.mark.parametrize(
    ("first", "has"), [("omp", "ompsafe"), ("workqueue", "workqueue")], ids=["falls on", "has it"]
)
def test_p6_while_another_thread_launches_the_first_of_a_priority_list(
    first: str, has: str
) -> None:
    # Numba's settings are others then, and its locks are taken. A child needs both as they were.
    code = f"""
import importlib.abc, time
import numba, numpy as np

importing, forking = threading.Event(), threading.Event()

class SlowToImport(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("numba.np.ufunc.{first}pool", "numba.np.ufunc.{first}"):
            importing.set()
            forking.wait(5)
            time.sleep(0.5)
            if "{first}" == "omp":
                raise ImportError("there is no runtime")

sys.meta_path.insert(0, SlowToImport())
launch = numba.njit(parallel=True)(lambda x: x + 1)

def in_the_child():
    total = launch(np.zeros(1000)).sum()
    config = numba.config
    asked = config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY
    return [total, numba.threading_layer(), *asked]

thread = threading.Thread(target=launch, args=(np.zeros(1000),))
thread.start()
assert importing.wait(60)
forking.set()
found = in_child(in_the_child)
thread.join()
print(json.dumps([found, numba.threading_layer()]))
"""
    names = [first, "ompsafe"]
    env = {"NUMBA_THREADING_LAYER_PRIORITY": " ".join(names)}
    expected = [[1000, has, "default", names], has]
    assert run(code, layer=None, **env) == expected
