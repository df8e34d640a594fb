"""P3: every order of imports, settings, first calls and threads ends in the same counts."""

import itertools
import json
import subprocess
import sys

import pytest
from harness.processes import SUPPORT, clean_environment

EVENTS = (
    "import torch",
    "import numba",
    "torch.set_num_threads",
    "first parallel Numba call",
    "first parallel torch op",
    "numba.set_num_threads",
    "new Python thread",
)

# What Python allows: a call comes after its import.
AFTER = {
    "torch.set_num_threads": "import torch",
    "first parallel torch op": "import torch",
    "first parallel Numba call": "import numba",
    "numba.set_num_threads": "import numba",
}

ORDERS = [
    order
    for order in itertools.permutations(EVENTS)
    if all(order.index(before) < order.index(event) for event, before in AFTER.items())
]


def ends(orders: list[tuple[str, ...]], actor: str, count: int) -> list[tuple[list[str], dict]]:
    """Run the orders, each in a process of its own; return each with what it ended in."""
    process = subprocess.run(
        [sys.executable, "run_orders.py", actor, str(count)],
        input=json.dumps(orders),
        env=clean_environment(NUMBA_THREADING_LAYER="ompsafe", OMP_NUM_THREADS="2"),
        cwd=SUPPORT,
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert process.returncode == 0, process.stderr
    answers = [json.loads(line) for line in process.stdout.splitlines()]
    assert len(answers) == len(orders)
    failed = [answer for answer in answers if "main" not in answer[1]]
    assert not failed, f"{failed[:3]}\n{process.stderr}"
    return answers


def test_p3_the_orders_are_all_that_python_allows() -> None:
    # 7! orders, one third of which have torch's import before its two calls; likewise Numba's.
    assert len(ORDERS) == 5040 // 9


@pytest.mark.needs_torch
@pytest.mark.timeout(1200)
def test_p3_every_order_ends_in_the_same_counts_and_runtime() -> None:
    answers = ends(ORDERS, "main", 1)
    distinct = {json.dumps(end, sort_keys=True) for _, end in answers}
    assert len(distinct) == 1, distinct
    end = answers[0][1]
    mask = end["main"][0]
    assert end["main"] == [mask, mask, 1]
    assert end["thread"] == end["fresh"] == [1, 1, 1]
    assert end["runtimes"] == [end["bound"]]
    assert "torch/lib" in end["bound"]
    assert end["main icvs"]["nthreads-var"] == 1


@pytest.mark.needs_torch
@pytest.mark.timeout(600)
def test_p3_in_every_order_on_a_second_thread_numba_follows_torch_there() -> None:
    count = 5
    # The imports come first, on the main thread; what follows the thread's start happens on it.
    orders = [order for order in ORDERS if set(order[:2]) == {"import torch", "import numba"}]
    for order, end in ends(orders, "thread", count):
        masked = order.index("numba.set_num_threads") > order.index("new Python thread")
        numba_count, seen, torch_count = end["thread"]
        assert numba_count == seen, order
        if not masked:
            assert numba_count == torch_count, order
        assert end["fresh"] == [count] * 3, order
        assert end["runtimes"] == [end["bound"]], order
