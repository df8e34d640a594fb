"""The layer goes on, or raises an OSError that names the file, where /proc and /sys do not open.

With no descriptor left, or in a container that has none of them.
"""

import errno

import pytest
from harness.faults import run

ERRORS = [errno.EMFILE, errno.ENOENT]


# What torch reads of the processor, at its first operation or at a fork, it has read.
TORCH = "import torch; torch.set_num_threads(2); torch.ones(1000)"


@pytest.mark.parametrize("before", ["", TORCH], ids=bool)
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_p4_a_first_launch_that_cannot_read(error: int, before: str) -> None:
    if before:
        pytest.importorskip("torch")
    code = f"""
{before or "import sklearn.utils._openmp_helpers"}
import first_launches
results = at_each_call(first_launches.case, "proc", by=ANYBODY, error={error})
"""
    env = {"OMP_NUM_THREADS": "2", "NUMBA_OMPSAFE_WARN": "1"}
    answers, undisturbed = run(code, env, layer=None)
    assert undisturbed[:2] == [[2] * 4] * 2
    assert len(answers) >= 4
    for call, (first, later, runtimes) in answers.items():
        assert later == [2] * 4, call
        if error == errno.ENOENT:
            assert first == [2] * 4, call
        else:
            # No other runtime than the one that is loaded, which could not be seen.
            assert runtimes == undisturbed[2], call
            assert first == [2] * 4 or (first.startswith("OSError") and "/proc/self/maps" in first)


def test_p8_a_report_that_cannot_read() -> None:
    code = """
import kernels, numba_ompsafe
kernels.launch(), numba_ompsafe.report()

def case(failing):
    undisturbed = numba_ompsafe.report().to_json()
    answer = "a report"
    with failing:
        try:
            numba_ompsafe.report()
        except OSError as error:
            answer = str(error)
    assert numba_ompsafe.report().to_json() == undisturbed
    return answer

results = at_each_call(case, "proc", by=ANYBODY, error=errno.EMFILE)
"""
    answers, undisturbed = run(code, {"OMP_NUM_THREADS": "2"})
    assert undisturbed == "a report"
    assert len(answers) >= 4
    for call, answer in answers.items():
        assert answer == "a report" or "'/proc/" in answer, call
