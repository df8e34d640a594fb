"""The layer goes on, or raises an error that says what it tried, where libraries cannot be opened.

What is loaded and opened between launches changes nothing.
"""

import pytest
from harness.faults import run
from harness.processes import results_of


@pytest.mark.parametrize("before", ["", "import torch; torch.set_num_threads(2)"], ids=bool)
@pytest.mark.parametrize("by", ["LAYER", "ANYBODY"])
def test_p4_a_first_launch_where_libraries_do_not_open(by: str, before: str) -> None:
    if before:
        pytest.importorskip("torch")
    code = f"""
{before}
import first_launches
results = at_each_call(first_launches.case, "dlopen", by={by}, error=errno.ENOENT)
"""
    answers, undisturbed = run(code, {"OMP_NUM_THREADS": "2"}, layer=None)
    assert undisturbed[:2] == [[2] * 4] * 2
    assert len(answers) >= 4
    for call, (first, later, runtimes) in answers.items():
        assert later == [2] * 4, call
        if before:
            assert runtimes == undisturbed[2], call
        if isinstance(first, list):
            assert first == [2] * 4, call
        elif by == "ANYBODY" and first.startswith(("ImportError", "ValueError: the extension")):
            assert "/a/library/that/fails/on/purpose" in first, call  # Python's own words
        else:
            assert first.startswith("OpenMPRuntimeNotFoundError: "), first
            assert "libgomp.so.1: /a/library/that/fails/on/purpose" in first
            assert "apt-get install libgomp1" in first


def test_p4_runtimes_that_come_between_launches_change_nothing() -> None:
    code = """
    import ctypes, kernels, openmp
    def launched():
        return [kernels.launch(), openmp.bound_path()]
    results["first"] = launched()
    ctypes.CDLL("libomp.so.5")
    results["with LLVM's"] = launched()
    ctypes.CDLL("libomp.so.5", mode=ctypes.RTLD_GLOBAL)
    results["in the global scope"] = launched()
    results["icvs"] = openmp.bound().icvs()["nthreads-var"]
    """
    results = results_of(code, {"OMP_NUM_THREADS": "2", "LD_PRELOAD": "libgomp.so.1"})
    assert results.pop("icvs") == 2
    assert list(results.values()) == [results["first"]] * 3
    assert results["first"][0] == 2
