"""A launch whose threads the system does not give runs on fewer, says so, and ends no process."""

import os
import sys
from itertools import product
from pathlib import Path

import pytest
from processes import run_python

pytestmark = pytest.mark.skipif(
    os.getuid() != 0, reason="only root can start processes of another user, whose threads it limits"
)

ROOMS = (0, 1, 2, 4, 8, 20)
COUNTS = (4, 8, 64)
# Stay free, for whoever else starts a thread (csrc/thread_supply.cpp).
SPARE = 2
RUNTIMES = {
    "GNU": {},
    "LLVM": {"LD_PRELOAD": "libomp.so.5"},
    "Intel": {"LD_PRELOAD": str(Path(sys.prefix, "lib", "libiomp5.so"))},
}
SITUATIONS = {
    "Numba alone": "before = None",
    "beside torch": "import torch\nbefore = lambda: torch.set_num_threads(n)",
    "more than torch": "import torch\nbefore = lambda: torch.set_num_threads(3)",
}
CODE = """
import json
import forks, limits
{situation}
limits.compile_all()
answers = []
for room, n in {cases}:
    answers.append([room, n, forks.in_child(lambda: limits.with_room_for(room, n, before))])
print(json.dumps(answers))
"""


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_p8_launches_without_room_for_their_threads_are_right(runtime: str, situation: str) -> None:
    if "torch" in situation:
        pytest.importorskip("torch")
    cases = list(product(ROOMS, COUNTS))
    code = CODE.format(situation=SITUATIONS[situation], cases=cases)
    env = RUNTIMES[runtime] | {"NUMBA_NUM_THREADS": "64"}
    answers = run_python(code, env, timeout=300)
    assert len(answers) == len(cases)
    for room, n, (first, later, other, _, lifted) in answers:
        told = (room, n, first, later, other, lifted)
        most = min(n, max(1 + room - SPARE, 1))
        assert 1 <= first <= most, told
        assert max(later) <= most, told
        assert 1 <= other <= most, told
        if most == n and "more" not in situation:
            assert first == n, told
            assert later == [n] * 3, told
        assert lifted == [n, n], told
