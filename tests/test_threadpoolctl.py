"""P8: threadpoolctl shows the layer, and its limits hold for Numba and leave no trace."""

from pathlib import Path
from typing import Any

import pytest
from harness import processes
from harness.runtimes import GNU

PRELUDE = """
import json, os
import kernels, numba, numba_ompsafe, openmp, thread_settings
from counting import here
from numba import set_num_threads
from python_threads import on_new_thread
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits
def shown():
    return [entry for entry in threadpool_info() if entry["user_api"] == "numba"]
here()
"""


def results_of(code: str, env: dict[str, str] | None = None, **options: Any) -> Any:
    return processes.results_of(PRELUDE + code, env, **options)


@pytest.mark.parametrize("served_as_omp", [False, True])
def test_p8_threadpool_info_shows_the_layer(served_as_omp: bool) -> None:
    code = """
entry, = shown()
from numba_ompsafe import _core
results["runtime"] = entry.pop("runtime") == _core.runtime_path()
results["file"] = entry.pop("filepath") == os.path.realpath(_core.__file__)
results["version"] = entry.pop("version") == numba_ompsafe.__version__
results["entry"] = entry
set_num_threads(1)
results["with a mask"] = shown()[0]["num_threads"]
results["as JSON"] = json.loads(json.dumps(shown()))[0]["num_threads"]
"""
    env = GNU | {"OMP_NUM_THREADS": "3", "NUMBA_OMPSAFE_AS_OMP": str(int(served_as_omp))}
    assert results_of(code, env, layer="omp" if served_as_omp else "ompsafe") == {
        "runtime": True,
        "file": True,
        "version": True,
        "entry": {
            "user_api": "numba",
            "internal_api": "numba_ompsafe",
            "prefix": "_core.abi3",
            "num_threads": 3,
        },
        "with a mask": 1,
        "as JSON": 1,
    }


def test_p8_threadpool_info_shows_no_layer_that_does_not_run() -> None:
    code = """
import numba_ompsafe._control.threads  # the extension is loaded
results["shown"] = shown()
"""
    assert results_of(code, layer="workqueue") == {"shown": []}


def test_p8_another_packages_extension_is_not_taken_for_the_layer(tmp_path: Path) -> None:
    # Any library will do, of the name that many packages give to their extension.
    code = f"""
import ctypes, shutil, _ctypes
shutil.copy(_ctypes.__file__, {str(tmp_path / "_core.abi3.so")!r})
ctypes.CDLL({str(tmp_path / "_core.abi3.so")!r})
assert {str(tmp_path)!r} in open("/proc/self/maps").read()
entry, = shown()
results["ours"] = os.path.realpath(entry["filepath"]) == os.path.realpath(
    numba_ompsafe._core.__file__
)
with threadpool_limits(1):
    results["limited"] = here()
"""
    assert results_of(code, GNU) == {"ours": True, "limited": 1}


# What a thread may have been told before; a limit undoes none of it.
STATES = {
    "nothing": "pass",
    "a mask": "set_num_threads(2)",
    "nthreads-var": "openmp.bound().set_num_threads(6)",
    "a default": "numba_ompsafe.set_default_num_threads(7)",
}
UNDER = {"OpenMP": {"OMP_NUM_THREADS": "5"}, "Numba": {"NUMBA_NUM_THREADS": "5"}}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("under", UNDER)
@pytest.mark.parametrize("user_api", [None, "numba", "openmp", "blas"])
def test_p8_threadpool_limits_holds_and_leaves_no_trace(
    state: str, under: str, user_api: str | None
) -> None:
    code = f"""
def run():
    results = {{}}
    {STATES[state]}
    before = thread_settings.here(), here()
    other = thread_settings.new_thread(), on_new_thread(here)
    with threadpool_limits(1, user_api={user_api!r}):
        results["limited"] = here()
        if {state!r} != "a default":
            assert on_new_thread(here) == other[1]
    assert (thread_settings.here(), here()) == before
    assert (thread_settings.new_thread(), on_new_thread(here)) == other
    results["before"] = here()
    return results
on_new = on_new_thread(run)
results |= run()
assert results == on_new
"""
    results = results_of(code, UNDER[under] | GNU)
    follows = under == "OpenMP" and state in ("nothing", "nthreads-var")
    obeys = user_api in (None, "numba") or (user_api == "openmp" and follows)
    assert results["limited"] == (1 if obeys else results["before"])


def test_p8_limits_nest_raise_and_decorate() -> None:
    code = """
limit = threadpool_limits.wrap(limits=2)
@limit
def decorated(depth):
    counts = [here()]
    if depth:
        with threadpool_limits(1, user_api="numba"):
            counts.append(here())
            counts += decorated(depth - 1)
        counts.append(here())
    return counts
before = thread_settings.here()
results["decorated"] = decorated(1)
try:
    with threadpool_limits(3, user_api="numba"):
        results["in a block"] = [here()]
        with ThreadpoolController().limit(limits=4, user_api="numba"):
            results["in a block"].append(here())
        raise KeyError
except KeyError:
    assert thread_settings.here() == before
"""
    assert results_of(code, GNU | {"NUMBA_NUM_THREADS": "5"}) == {
        "decorated": [2, 1, 2, 2],
        "in a block": [3, 4],
    }


def test_p8_a_limit_is_a_cap_and_what_is_lower_is_followed() -> None:
    code = """
with threadpool_limits(4):
    results["limited"] = here()
    openmp.bound().set_num_threads(1)
    results["lower"] = here()
    openmp.bound().set_num_threads(8)
    results["higher"] = here()
    with threadpool_limits(2, user_api="openmp"):
        results["inner"] = here()
    set_num_threads(2)
    results["a mask"] = here()
    with numba_ompsafe.threads(6):
        results["threads"] = here()
results["after"] = here()
set_num_threads(1)
with threadpool_limits(4, user_api="numba"):
    results["above a mask"] = here()
"""
    assert results_of(code, GNU | {"OMP_NUM_THREADS": "5"}) == {
        "limited": 4,
        "lower": 1,
        "higher": 4,
        "inner": 2,
        "a mask": 2,
        "threads": 6,
        "after": 5,
        "above a mask": 1,
    }


def test_p8_a_mask_set_in_a_limit_is_lifted_with_it() -> None:
    # As threadpoolctl goes back to the counts that it found, of every library.
    code = """
for user_api in (None, "numba", "blas"):
    with threadpool_limits(1, user_api=user_api):
        set_num_threads(2)
        assert here() == 2
    settings = thread_settings.here()
    results[str(user_api)] = [here(), settings["mask"], settings["limit"]]
"""
    assert results_of(code, GNU | {"OMP_NUM_THREADS": "5"}) == {
        "None": [5, 0, 0],
        "numba": [5, 0, 0],
        "blas": [5, 0, 0],
    }


def test_p8_a_number_told_on_another_thread_limits_like_any_other() -> None:
    code = """
(told,) = [entry["num_threads"] for entry in shown()]
def limited():
    set_num_threads(2)
    with threadpool_limits(told, user_api="numba"):
        return [here(), thread_settings.here()["mask"]]
results["thread"] = on_new_thread(limited)
"""
    assert results_of(code, GNU | {"OMP_NUM_THREADS": "1"}) == {"thread": [1, 2]}


def test_p8_a_limit_below_1_is_none() -> None:
    code = """
with threadpool_limits(-1, user_api="numba"):
    results["here"] = here()
"""
    assert results_of(code, GNU | {"OMP_NUM_THREADS": "2"}) == {"here": 2}


def test_p8_a_limit_without_an_end_stays_and_numba_set_num_threads_lifts_it() -> None:
    code = """
threadpool_limits(1)
results["limited"] = [here(), on_new_thread(here)]
set_num_threads(2)
results["mask"] = here()
numba_ompsafe.clear_mask()
results["rules"] = here()
"""
    assert results_of(code, GNU | {"NUMBA_NUM_THREADS": "5"}) == {
        "limited": [1, 5],
        "mask": 2,
        "rules": 5,
    }


def test_p8_a_limit_holds_in_kernels_and_what_they_set_ends_with_their_slot() -> None:
    code = """
import numpy as np
from numba.np.ufunc.parallel import _iget_num_threads

@numba.njit(parallel=True)
def sets_masks(n):
    masks = np.zeros(n, np.int64)
    for i in numba.prange(n):
        numba.set_num_threads(1)
        masks[i] = _iget_num_threads()
    return masks

with threadpool_limits(2, user_api="numba"):
    before = thread_settings.here()
    assert (sets_masks(10) == 1).all()
    assert thread_settings.here() == before
    results["limited"] = here()
    results["nested"] = int(kernels.nested_ids(4, 5)[1].max()) + 1
"""
    env = GNU | {"NUMBA_NUM_THREADS": "5"}
    assert results_of(code, env) == {"limited": 2, "nested": 2}


@pytest.mark.needs_torch
def test_p8_worker_processes_follow_torch_within_a_limit() -> None:
    # Every DataLoader worker calls torch.set_num_threads(1).
    code = """
import forks, torch
def worker():
    torch.set_num_threads(1)
    return here()
threadpool_limits(4)
results["here"] = here()
results["worker"] = forks.in_child(worker)
"""
    assert results_of(code, {"OMP_NUM_THREADS": "5"}) == {"here": 4, "worker": 1}


def test_p8_debugging_info_changes_nothing() -> None:
    code = """
before = thread_settings.here(), thread_settings.new_thread()
entry, = (e for e in threadpool_info(debugging_info=True) if e["user_api"] == "numba")
results["scope"] = entry["thread_limit_scope"]
assert (thread_settings.here(), thread_settings.new_thread()) == before
"""
    assert results_of(code, GNU | {"OMP_NUM_THREADS": "5"}) == {"scope": "current_thread"}
