"""P8, control: a block of threads(n), and torch, Numba or a layer that comes in it."""

import pytest
from harness.processes import run_python
from harness.runtimes import GNU
from harness.thread_blocks import results_of


def test_p8_threads_imports_neither_numba_nor_torch() -> None:
    code = """
with threads(2):
    pass
results["imported"] = [name for name in ("numba", "torch") if name in sys.modules]
"""
    assert results_of(code, numba=False) == {"imported": []}


@pytest.mark.parametrize("layer", ["ompsafe", "omp", "workqueue"])
def test_p8_threads_launches_no_layer(layer: str) -> None:
    code = """
import numba
with threads(1):
    pass
try:
    numba.threading_layer()
except ValueError:
    results["launched"] = False
results["runtimes"] = openmp.runtimes()
"""
    results = results_of(code, {"NUMBA_NUM_THREADS": "5"}, numba=False, layer=layer)
    assert results == {"launched": False, "runtimes": []}


@pytest.mark.parametrize("layer", ["ompsafe", "omp", "workqueue", None])
@pytest.mark.parametrize("launched", ["before", "in the block", "in an inner block"])
def test_p8_threads_under_every_layer(layer: str | None, launched: str) -> None:
    code = f"""
import numba
from contextlib import nullcontext
import kernels
{"kernels.launch()" if launched == "before" else ""}
with threads(2):
    with threads(1) if {launched == "in an inner block"} else nullcontext():
        results["inner"] = [kernels.launch(), numba.get_num_threads()]
    results["block"] = [kernels.launch(), numba.get_num_threads()]
    numba.set_num_threads(1)
results["after"] = [kernels.launch(), numba.get_num_threads()]
numba.set_num_threads(4)
with threads(3):
    results["in a mask"] = [kernels.launch(), numba.get_num_threads()]
results["the mask"] = [kernels.launch(), numba.get_num_threads()]
"""
    inner = 1 if launched == "in an inner block" else 2
    assert results_of(code, {"NUMBA_NUM_THREADS": "5"}, numba=False, layer=layer) == {
        "inner": [inner, inner],
        "block": [2, 2],
        "after": [5, 5],
        "in a mask": [3, 3],
        "the mask": [4, 4],
    }


@pytest.mark.parametrize("served_as_omp", [False, True])
def test_p8_numba_imported_in_a_block(served_as_omp: bool) -> None:
    code = """
with threads(2):
    import numba, kernels
    results["block"] = kernels.launch()
results["after"] = kernels.launch()
"""
    env = {"NUMBA_NUM_THREADS": "5", "NUMBA_OMPSAFE_AS_OMP": str(int(served_as_omp))}
    layer = "omp" if served_as_omp else "ompsafe"
    assert results_of(code, env, numba=False, layer=layer) == {"block": 2, "after": 5}


@pytest.mark.needs_torch
@pytest.mark.parametrize("omp_num_threads", ["3", "1"])
@pytest.mark.parametrize("launched", [True, False])
def test_p8_torch_imported_in_a_block(omp_num_threads: str, launched: bool) -> None:
    code = f"""
if {launched}:
    here()
with threads(1):
    import torch
    assert here() == 1
results["torch"] = torch.get_num_threads()
results["numba"] = here()
results["new thread"] = on_new_thread(torch.get_num_threads)
"""
    results = results_of(code, {"OMP_NUM_THREADS": omp_num_threads})
    alone = "import json, torch; print(json.dumps(torch.get_num_threads()))"
    expected = run_python(alone, {"OMP_NUM_THREADS": omp_num_threads})
    assert set(results.values()) == {expected}


@pytest.mark.needs_torch
def test_p8_torchs_count_survives_omps_first_launch_in_a_block() -> None:
    code = """
import numba, torch, kernels
torch.set_num_threads(7)
with threads(1):
    kernels.launch()
    results["in the block"] = [torch.get_num_threads(), numba.get_num_threads()]
results["after it"] = torch.get_num_threads()
"""
    expected = {"in the block": [1, 1], "after it": 7}
    assert results_of(code, numba=False, layer="omp") == expected


def test_p8_a_runtime_loaded_in_a_block_keeps_its_own_counts() -> None:
    code = """
import ctypes
here()
before = thread_settings.here()
with threads(1):
    ctypes.CDLL("libomp.so.5")
    assert thread_settings.counts() != [1, 1]
    with threads(2):
        assert thread_settings.counts() == [2, 2]
    assert sorted(thread_settings.counts()) == [1, 3]
after = thread_settings.here()
assert len(after["ICVs"]) == 2
assert [icvs["nthreads-var"] for icvs in after["ICVs"].values()] == [3, 3]
"""
    results_of(code, {"OMP_NUM_THREADS": "3"} | GNU)
