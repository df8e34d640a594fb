"""Kernels that raise, and that launch themselves: the next launch is as any other."""

import pytest
from harness.c_libraries import built
from harness.processes import results_of
from harness.runtimes import RUNTIMES

N, SLOTS = 16, 4


def test_p5_a_kernel_that_raises_in_one_slot() -> None:
    bads = (0, 3, 5, 9, 15)
    code = f"""
    from hostile_kernels import RAISE, raise_in
    results = {{kind: [raise_in(kind, bad) for bad in (-1, *{bads})] for kind in RAISE}}
    """
    for kind, told in results_of(code, {"NUMBA_NUM_THREADS": str(SLOTS)}).items():
        undisturbed, *answers = told
        assert undisturbed == ["", [True] * N], kind
        for bad, (raised, right) in zip(bads, answers, strict=True):
            # Numba's own: it is lost where another thread than the caller runs the slot.
            assert raised in ("", "ValueError: on purpose"), kind
            block = bad // (N // SLOTS)
            others = [right[i] for i in range(N) if i // (N // SLOTS) != block]
            # NumPy may hand out no result where a ufunc has raised.
            assert all(others) or (raised and kind != "prange"), kind


@pytest.mark.parametrize("runtime", ["GNU, the system's", "LLVM"])
def test_p5_launches_in_slots_of_launches_fifty_deep(runtime: str) -> None:
    library = str(built("recursion"))
    code = f"import hostile_kernels\nresults = hostile_kernels.launch_recursively({library!r}, 50)"
    env = RUNTIMES[runtime] | {"NUMBA_NUM_THREADS": "4", "OMP_STACKSIZE": "1M"}
    assert results_of(code, env) is True
