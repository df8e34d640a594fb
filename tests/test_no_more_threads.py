"""A launch whose threads the system does not give runs on fewer, says so, and ends no process."""

import os
import re
from itertools import product

import pytest
from harness.cores import needs_two_cores
from harness.processes import run_python
from harness.runtimes import RUNTIMES

pytestmark = pytest.mark.skipif(
    os.getuid() != 0,
    reason="only root can start processes of another user, whose threads it limits",
)

ROOMS = (0, 1, 2, 4, 8, 20)
COUNTS = (4, 8, 64)
# A runtime's team leaves so many free, for whoever else starts a thread (thread_supply.cpp).
SPARE = 2
SITUATIONS = {
    "Numba alone": "def before(n): pass",
    "beside torch": "import torch\ndef before(n): torch.set_num_threads(n)",
    "more than torch": "import torch\ndef before(n): torch.set_num_threads(3)",
}
CODE = """
import json
import thread_shortage
{situation}
thread_shortage.compile_all()
print(json.dumps(thread_shortage.each({cases}, {spare}, before)))
"""


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_p8_launches_without_room_for_their_threads_are_right(runtime: str, situation: str) -> None:
    if "torch" in situation:
        pytest.importorskip("torch")
    cases = list(product(ROOMS, COUNTS))
    code = CODE.format(situation=SITUATIONS[situation], cases=cases, spare=SPARE)
    env = RUNTIMES[runtime] | {"NUMBA_NUM_THREADS": "64"}
    answers = run_python(code, env, timeout=300)
    for (room, n), (first, later, other, _, lifted) in zip(cases, answers, strict=True):
        told = (room, n, first, later, other, lifted)
        most = min(n, 1 + room)
        assert 1 <= first <= most, told
        assert max(later) <= most, told
        assert 1 <= other <= most, told
        if n <= 1 + room - SPARE and "more" not in situation:
            assert first == n, told
            assert later == [n] * 3, told
        # Of many threads on few cores, some come too late.
        assert min(lifted) > n // 2, told


def test_p8_one_warning_says_why_and_the_report_until_it_is_over() -> None:
    code = """
    import json, warnings, thread_shortage
    with warnings.catch_warnings():  # the first launch's own: more threads than cores
        warnings.simplefilter("ignore")
        thread_shortage.compile_all()
    print(json.dumps(thread_shortage.warned()))
    """
    env = {"NUMBA_NUM_THREADS": "8", "NUMBA_OMPSAFE_WARN": "1"}
    words, at_limit, lifted = run_python(code, env)
    ours = [text for name, text in words if "threads-missing" in text]
    assert len(ours) == 1, words
    # Of 4 more, a runtime's team leaves two to whoever else starts a thread.
    assert re.search(r"a launch asked for 8 threads and had [35]\b", ours[0])
    assert "ulimit -u" in ours[0]
    assert "NUMBA_OMPSAFE_WARN=0" in ours[0]
    assert "threads-missing" in at_limit
    assert "threads-missing" not in lifted


def test_p8_without_a_shortage_nothing_is_said() -> None:
    code = (
        "import json, kernels, situations\nkernels.launch()\nprint(json.dumps(situations.codes()))"
    )
    assert "threads-missing" not in run_python(code, {"NUMBA_NUM_THREADS": "8"})


@pytest.mark.needs_torch
def test_p8_torchs_pool_keeps_its_size_where_no_threads_are_to_be_had() -> None:
    code = """
    import json, torch, thread_shortage
    thread_shortage.compile_all()
    print(json.dumps(thread_shortage.torchs_pool_at_a_limit(8)))
    """
    assert run_python(code, {"NUMBA_NUM_THREADS": "8"}) == [1, 8, 0]


@pytest.mark.needs_torch
@needs_two_cores
def test_p8_a_thread_whose_pool_is_on_the_runtime_before_torchs() -> None:
    pytest.importorskip("sklearn")  # its wheel brings a libgomp of its own
    code = """
    import json, sklearn.utils._openmp_helpers, thread_shortage, openmp
    thread_shortage.compile_all()
    def import_torch():
        import torch
        torch.set_num_threads(2)
    told = thread_shortage.another_pool_at_a_limit(import_torch)
    print(json.dumps([*told, "torch" in openmp.bound_path()]))
    """
    assert run_python(code, {}) == [2, 1, True]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_p8_nested_teams_are_as_large_as_can_be_had(runtime: str) -> None:
    code = """
    import thread_shortage
    thread_shortage.compile_all()
    thread_shortage.nested_at_a_limit(8)
    """
    env = RUNTIMES[runtime] | {"NUMBA_NUM_THREADS": "8", "KMP_WARNINGS": "0"}
    run_python(code, env)


@pytest.mark.parametrize("size", ["4G", "64M"])
def test_p8_no_memory_for_stacks(size: str) -> None:
    code = """
    import json, resource, thread_shortage
    thread_shortage.compile_all()
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), resource.RLIM_INFINITY))
    print(json.dumps([thread_shortage.team(8) for _ in range(2)]))
    """
    env = {"NUMBA_NUM_THREADS": "8", "OMP_STACKSIZE": size}
    assert max(run_python(code, env)) < 4
