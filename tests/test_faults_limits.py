"""Limits that leave next to nothing: launches are right, and as large as they can be."""

import pytest
from harness.processes import results_of
from harness.runtimes import RUNTIMES

CODE = """
import forks, kernels, numba, thread_shortage
{before}
from python_threads import on_new_thread
COUNTS = (1, 2, 3, 4)

def each():
    return [thread_shortage.team(n, {seconds}) for n in COUNTS]

kernels.nested_ids(6, 4)
results = [each(), on_new_thread(each), forks.in_child(each)]
"""
ENV = {"NUMBA_NUM_THREADS": "4"}


LIMITS = [
    ("GNU, the system's", {"OMP_THREAD_LIMIT": "1"}, 1),
    ("GNU, the system's", {"OMP_THREAD_LIMIT": "2"}, 2),
    ("GNU, the system's", {"OMP_THREAD_LIMIT": "3"}, 3),
    ("GNU, the system's", {"OMP_STACKSIZE": "16k"}, 4),
    ("GNU, the system's", {"OMP_STACKSIZE": "4G"}, 4),
    ("LLVM", {"OMP_THREAD_LIMIT": "2"}, 2),
    ("LLVM", {"OMP_STACKSIZE": "4G"}, 4),
    ("torch", {"OMP_THREAD_LIMIT": "2"}, 2),
    ("torch", {"OMP_STACKSIZE": "16k"}, 4),
]


@pytest.mark.parametrize(("runtime", "variables", "limit"), LIMITS, ids=str)
def test_p5_launches_within_limits_of_the_runtimes(
    runtime: str, variables: dict[str, str], limit: int
) -> None:
    before = "import torch; torch.set_num_threads(4)" if runtime == "torch" else ""
    if before:
        pytest.importorskip("torch")
    env = ENV | variables | RUNTIMES.get(runtime, {})
    for counts in results_of(CODE.format(before=before, seconds=0), env):
        assert all(1 <= count <= min(n, limit) for n, count in enumerate(counts, 1)), counts


def test_p5_a_small_stack_for_all_threads() -> None:
    small = """
import os, resource, sys
if "SMALL" not in os.environ:
    resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, resource.RLIM_INFINITY))
    os.environ["SMALL"] = "1"
    os.execv(sys.executable, sys.orig_argv)
assert resource.getrlimit(resource.RLIMIT_STACK)[0] == 256 << 10
"""
    code = CODE.format(before="", seconds=10)
    counts = results_of(small + code, ENV | RUNTIMES["GNU, the system's"])
    assert counts == [[1, 2, 3, 4]] * 3
