"""Threads that end inside of a slot of a launch: no other launch notices, and nothing hangs."""

import pytest
from harness.c_libraries import built
from harness.cores import needs_two_cores
from harness.faults import RUNS
from harness.processes import results_of
from harness.runtimes import RUNTIMES

# What a thread returns that came to its end, that called pthread_exit, and that was cancelled.
WHOLE, EXITED, CANCELLED = 1, 7, 6


@needs_two_cores
@pytest.mark.parametrize(
    ("runtime", "before"),
    [
        ("GNU, the system's", ""),
        ("LLVM", ""),
        pytest.param("GNU, torch's", "import torch", marks=pytest.mark.needs_torch),
    ],
)
def test_p5_threads_that_end_in_slots(runtime: str, before: str) -> None:
    code = f"""
    {before}
    import slot_exits
    results = slot_exits.each({str(built("slot_exit"))!r})
    """
    answers = results_of(code, RUNTIMES[runtime] | {"NUMBA_NUM_THREADS": "64"}, timeout=240)
    assert len(answers) == 36
    for (kernel, path, how, by_caller), (ended, others) in answers:
        expected = (EXITED if how == 1 else CANCELLED) if by_caller else WHOLE
        assert ended == [[expected, True]] * 3, (kernel, path, how, by_caller)
        assert others, (kernel, path, how, by_caller)


@pytest.mark.parametrize(
    ("runtime", "before"),
    [
        ("GNU, the system's", ""),
        pytest.param("GNU, torch's", "import torch", marks=pytest.mark.needs_torch),
    ],
)
def test_p5_an_interpreter_ends_while_slots_want_the_gil(runtime: str, before: str) -> None:
    code = f"{before}\nimport interpreter_ends\nresults = interpreter_ends.run({RUNS})"
    env = RUNTIMES[runtime] | {"NUMBA_NUM_THREADS": "64"}
    # A slot in object mode, Numba says, does not run at the same time as others.
    options = ("-W", "ignore")
    statuses = results_of(code, env, options=options, timeout=60 + 10 * RUNS)
    assert len(statuses) >= 3
    assert set(map(tuple, statuses.values())) == {(7,)}, statuses
