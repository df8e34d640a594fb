"""P1: no Numba call, first or later, on any thread, changes any ICV of any thread."""

import pytest
from harness.processes import run_python

SYSTEM_LIBGOMP = "libgomp.so.1"
DEBIAN_LLVM = "libomp.so.5"

# Every kind of call that an application makes, each with the ICVs of three threads around it.
SCRIPT = """
import json, sys
{before}
import numba, numpy as np, openmp
from python_threads import on_new_thread, on_second_thread

runtime = openmp.the_one() if openmp.runtimes() else None
if runtime is None:
    numba.threading_layer  # nothing is loaded yet: the first call is checked against the second
    numba.get_num_threads()
    runtime = openmp.bound()

def torch_count():
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None

torch_count()  # torch sets nthreads-var of a thread when it is first asked there
{setting}

def state():
    # A fresh thread has the initial ICVs: a runtime whose defaults were overwritten shows.
    icvs = runtime.icvs
    return [icvs(), on_second_thread(icvs), on_new_thread(icvs)]

def whole_state():
    return state() + [torch_count()]

changed = []
def check(name, call):
    before = whole_state()
    call()
    after = whole_state()
    if before != after:
        changed.append([name, before, after])

def everywhere(name, call):
    check(name, call)
    check(name + " on a second thread", lambda: on_second_thread(call))
    check(name + " on a new thread", lambda: on_new_thread(call))

everywhere("get_num_threads", numba.get_num_threads)
import kernels, ufuncs
everywhere("prange", lambda: kernels.ids_and_masks(100))
everywhere("reduction", lambda: kernels.total(np.ones(100)))
everywhere("parallel ufunc", lambda: ufuncs.add(np.ones(1000), np.ones(1000)))
everywhere("nested", lambda: kernels.nested_ids(4, 5))
everywhere("set_num_threads", lambda: numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS)))
everywhere("masked prange", lambda: kernels.ids_and_masks(100))
with numba.parallel_chunksize(3):
    everywhere("chunked prange", lambda: kernels.ids_and_masks(100))
print(json.dumps([openmp.bound().library._name, changed]))
"""

BEFORE = {
    "numba alone": "",
    "torch first": "import torch",
    "torch at 7": "import torch; torch.set_num_threads(7)",
}

# What other libraries or users may have set on the calling thread.
SETTINGS = {
    "as it is": "",
    "dyn-var on": "runtime.set_dynamic(1)",
    "nesting on": "runtime.set_nested(1) if runtime.is_gnu else runtime.set_max_active_levels(3)",
    "3 active levels": "runtime.set_max_active_levels(3)",
    "schedule static,5": "runtime.set_schedule(1, 5)",
    "nthreads-var 3": "runtime.set_num_threads(3)",
}


def check(before: str, setting: str, env: dict[str, str]) -> str:
    path, changed = run_python(SCRIPT.format(before=before, setting=setting), env)
    assert changed == []
    return path


@pytest.mark.needs_torch
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("before", ["torch first", "torch at 7"])
def test_p1_neutral_on_torchs_libgomp(before: str, setting: str) -> None:
    path = check(BEFORE[before], SETTINGS[setting], {})
    assert "torch/lib" in path


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("runtime", [SYSTEM_LIBGOMP, DEBIAN_LLVM])
def test_p1_neutral_on_a_runtime_of_today(runtime: str, setting: str) -> None:
    path = check("", SETTINGS[setting], {"LD_PRELOAD": runtime})
    assert runtime.split(".")[0] in path


@pytest.mark.parametrize("environment", [{"OMP_NUM_THREADS": "3"}, {"NUMBA_NUM_THREADS": "8"}])
def test_p1_neutral_with_counts_from_the_environment(environment: dict[str, str]) -> None:
    check("", "", environment | {"LD_PRELOAD": SYSTEM_LIBGOMP})


FIRST_CALL = """
import json, ctypes
import torch
torch.set_num_threads(7)
before = torch.get_num_threads()
import numba
{call}
print(json.dumps([before, torch.get_num_threads()]))
"""


@pytest.mark.needs_torch
@pytest.mark.parametrize(
    "call",
    [
        "numba.get_num_threads()",
        "numba.set_num_threads(2)",
        "import kernels; kernels.ids_and_masks(10)",
        "import ufuncs, numpy as np; ufuncs.add(np.ones(10), np.ones(10))",
    ],
)
def test_p1_torchs_count_by_call_survives_the_first_call(call: str) -> None:
    assert run_python(FIRST_CALL.format(call=call)) == [7, 7]


@pytest.mark.needs_torch
@pytest.mark.parametrize("count", ["1", "3"])
@pytest.mark.parametrize("first", ["torch", "numba"])
def test_p1_torchs_count_by_environment_survives_the_first_call(first: str, count: str) -> None:
    # torch may use fewer than OMP_NUM_THREADS says: MKL knows how many cores there are.
    alone = "import json, torch; print(json.dumps(torch.get_num_threads()))"
    beside_numba = f"""
    import json
    import {first}
    import kernels, torch
    kernels.launch()
    print(json.dumps(torch.get_num_threads()))
    """
    environment = {"OMP_NUM_THREADS": count}
    assert run_python(beside_numba, environment) == run_python(alone, environment)
