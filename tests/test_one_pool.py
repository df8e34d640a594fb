"""P4: Numba's launches run on the runtime that torch uses, whichever was imported first."""

import subprocess
from pathlib import Path

import pytest
from harness.processes import run_python
from harness.runtimes import INTEL

# How many threads the process has, before and after Numba launches as many as torch's pool holds:
# on the same runtime they are the same ones.
SHARES = """
import json, os
{imports}
import numba, torch
numba.config.NUMBA_NUM_THREADS = 8
import kernels, openmp

def threads():
    return len(os.listdir("/proc/self/task"))

{first}
torch.set_num_threads(4)
torch.ones(1_000_000).sum()
before = threads()
count = kernels.launch()
torch.ones(1_000_000).sum()
print(json.dumps([before, threads(), count, openmp.bound_path(), openmp.runtimes()]))
"""


@pytest.mark.needs_torch
@pytest.mark.parametrize("first", ["", "kernels.launch()"])
@pytest.mark.parametrize("imports", ["import torch", "import numba"])
def test_p4_numba_launches_in_torchs_pool(imports: str, first: str) -> None:
    before, after, count, bound, runtimes = run_python(SHARES.format(imports=imports, first=first))
    assert count == 4
    assert before == after
    assert runtimes == [bound]
    assert "torch" in bound


@pytest.mark.needs_torch
def test_p4_numba_first_loads_torchs_own_runtime() -> None:
    code = """
    import json, sys
    import kernels, openmp
    kernels.launch()
    alone = [openmp.runtimes(), "torch" in sys.modules]
    import torch
    torch.ones(1_000_000).sum()
    print(json.dumps([*alone, openmp.runtimes(), kernels.launch() == torch.get_num_threads()]))
    """
    alone, imported, together, same_count = run_python(code)
    assert len(alone) == 1
    assert "torch" in alone[0]
    assert not imported
    assert together == alone
    assert same_count


@pytest.mark.needs_torch
def test_p4_another_librarys_private_runtime_is_left_when_torch_comes() -> None:
    # scikit-learn's wheel brings a libgomp under a name of its own, which torch will not share.
    code = """
    import json
    import sklearn.utils._openmp_helpers
    import numba
    numba.config.NUMBA_NUM_THREADS = 8
    import kernels, openmp
    kernels.launch()
    alone = [openmp.bound_path(), openmp.runtimes()]
    import torch
    torch.set_num_threads(4)
    count = kernels.launch()
    print(json.dumps([*alone, openmp.bound_path(), count]))
    """
    bound, runtimes, bound_later, count = run_python(code)
    assert runtimes == [bound]
    assert "scikit_learn" in bound
    assert "torch/lib" in bound_later
    assert count == 4


@pytest.mark.needs_torch
@pytest.mark.parametrize("order", ["import torch, numba", "import numba, torch"])
@pytest.mark.parametrize("preloaded", [str(INTEL), "libomp.so.5", "libgomp.so.1"])
def test_p4_a_preloaded_runtime_serves_both(preloaded: str, order: str) -> None:
    code = SHARES.format(imports=order, first="kernels.launch()")
    before, after, count, bound, _ = run_python(code, {"LD_PRELOAD": preloaded})
    assert Path(preloaded).name.split(".")[0] in bound
    assert count == 4
    assert before == after


def test_p4_a_loaded_runtime_is_taken_before_any_other() -> None:
    code = """
    import ctypes, json
    ctypes.CDLL("libomp.so.5")
    import kernels, openmp
    kernels.launch()
    print(json.dumps([openmp.bound_path(), openmp.runtimes()]))
    """
    bound, runtimes = run_python(code)
    assert "libomp" in bound
    assert runtimes == [bound]


def test_p4_a_library_that_is_no_whole_runtime_is_passed_over(tmp_path: Path) -> None:
    library = tmp_path / "libgomp-half.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"],
        input="void GOMP_parallel(void (*f)(void *), void *d, unsigned n, unsigned g) { f(d); }",
        text=True,
        check=True,
    )
    code = f"""
    import ctypes, json
    ctypes.CDLL({str(library)!r}, mode=ctypes.RTLD_GLOBAL)
    import kernels, openmp
    kernels.launch()
    print(json.dumps(openmp.bound_path()))
    """
    assert "libgomp.so.1" in run_python(code)


@pytest.mark.parametrize("stand_in", ["None", "types.ModuleType('torch')"])
def test_p4_something_that_stands_in_for_torch_is_no_torch(stand_in: str) -> None:
    code = f"import json, sys, types; sys.modules['torch'] = {stand_in}; import kernels, numba; "
    code += "kernels.launch(); print(json.dumps(numba.threading_layer()))"
    assert run_python(code) == "ompsafe"


WITHOUT_TORCH = "import json, sys; sys.modules['torch'] = None\n"


def test_p4_without_torch_the_systems_libgomp_serves() -> None:
    code = "import kernels, openmp; kernels.launch(); print(json.dumps(openmp.runtimes()))"
    (path,) = run_python(WITHOUT_TORCH + code)
    assert Path(path).name.startswith("libgomp")
    assert "torch" not in path


@pytest.fixture
def no_runtime(tmp_path: Path) -> dict[str, str]:
    """An environment in which each name that could be loaded leads to a file that is no library."""
    for name in ("libgomp.so.1", "libomp.so.5", "libomp.so", "libiomp5.so"):
        (tmp_path / name).write_text("not a library\n")
    return {"LD_LIBRARY_PATH": str(tmp_path)}


# The Intel runtime of the test environment itself is found by its path: not in a folder without it.
NO_RUNTIME = WITHOUT_TORCH + f"sys.prefix = {str(Path(__file__).parent)!r}\n"


def test_p8_no_runtime_is_an_error_that_names_all_that_was_tried(
    no_runtime: dict[str, str],
) -> None:
    code = """
import numba
try:
    numba.get_num_threads()
except ValueError as error:
    import numba_ompsafe
    assert isinstance(error, numba_ompsafe.OpenMPRuntimeNotFoundError)
    print(json.dumps(str(error)))
"""
    message = run_python(NO_RUNTIME + code, no_runtime)
    for tried in ("global scope", "libgomp.so.1", "libomp.so.5", "libiomp5.so"):
        assert tried in message
    assert "apt-get install libgomp1" in message


def test_p8_no_runtime_and_the_next_layer_of_the_priority_list_runs(
    no_runtime: dict[str, str],
) -> None:
    env = no_runtime | {"NUMBA_THREADING_LAYER_PRIORITY": "ompsafe workqueue tbb omp"}
    code = "import kernels, numba; kernels.launch(); print(json.dumps(numba.threading_layer()))"
    assert run_python(NO_RUNTIME + code, env, layer=None) == "workqueue"


def test_p8_no_runtime_and_code_that_is_not_parallel_runs(no_runtime: dict[str, str]) -> None:
    code = """
import numba
@numba.njit
def double(x):
    return 2 * x
print(json.dumps(double(21)))
"""
    assert run_python(NO_RUNTIME + code, no_runtime) == 42
