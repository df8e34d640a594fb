"""The layer goes on, or raises MemoryError, where it has no memory."""

import pytest
from harness.faults import run

BESIDE = {
    "Numba alone": ("", {"OMP_NUM_THREADS": "3"}),
    "beside torch": ("import torch; torch.set_num_threads(3)", {}),
    # Bound to places, whose cores the threads that help are told.
    "bound": ("", {"OMP_NUM_THREADS": "3", "OMP_PROC_BIND": "true"}),
}


@pytest.mark.parametrize("beside", BESIDE)
def test_p5_a_first_launch_without_memory(beside: str) -> None:
    before, env = BESIDE[beside]
    if before:
        pytest.importorskip("torch")
    code = f"""
{before}
import first_launches
results = at_each_call(first_launches.case, "malloc", error=errno.ENOMEM)
"""
    answers, undisturbed = run(code, env, layer=None)
    assert undisturbed[:2] == [[3] * 4] * 2
    assert len(answers) >= 4
    for call, (first, *later) in answers.items():
        assert later == undisturbed[1:], call
        # Torch, if it could not be noticed, is noticed later.
        assert first == "MemoryError: " or (first[0] == 3 and set(first) <= {2, 3}), call


def test_p5_launches_without_memory_to_map() -> None:
    code = """
import kernels, thread_shortage
thread_shortage.compile_all()

def case(failing):
    with failing:
        for n in (2, 4, 8):
            thread_shortage.team(n, 0)
    let_it_be_forgotten()
    return thread_shortage.team(8, 10)

results = at_each_call(case, "malloc", error=errno.ENOMEM)
with Failing("mmap", by=ANYBODY, error=errno.ENOMEM):
    assert thread_shortage.team(8, 0) >= 1
"""
    answers, undisturbed = run(code, {"NUMBA_NUM_THREADS": "8"})
    assert undisturbed == 8
    assert answers
    assert set(answers.values()) == {8}
