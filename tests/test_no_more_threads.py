"""A launch whose threads the system does not give runs on fewer, says so, and ends no process."""

import os
from itertools import product
from pathlib import Path

import pytest
from processes import SITE_PACKAGES, run_python

pytestmark = pytest.mark.skipif(
    os.getuid() != 0, reason="only root can start processes of another user, whose threads it limits"
)

ROOMS = (0, 1, 2, 4, 8, 20)
COUNTS = (4, 8, 64)
# Stay free, for whoever else starts a thread (csrc/thread_supply.cpp).
SPARE = 2
# pip installs Intel's beside the folder of the packages.
INTEL = [str(file) for path in SITE_PACKAGES if (file := Path(path, "../../libiomp5.so")).exists()]
RUNTIMES = {
    "GNU, torch's": {},
    "GNU, the system's": {"LD_PRELOAD": "libgomp.so.1"},
    "LLVM": {"LD_PRELOAD": "libomp.so.5"},
    "Intel": {"LD_PRELOAD": "".join(INTEL[:1])},
}
SITUATIONS = {
    "Numba alone": "def before(n): pass",
    "beside torch": "import torch\ndef before(n): torch.set_num_threads(n)",
    "more than torch": "import torch\ndef before(n): torch.set_num_threads(3)",
}
CODE = """
import json
import limits
{situation}
limits.compile_all()
print(json.dumps(limits.each({cases}, before)))
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
    for (room, n), (first, later, other, _, lifted) in zip(cases, answers, strict=True):
        told = (room, n, first, later, other, lifted)
        most = min(n, max(1 + room - SPARE, 1))
        assert 1 <= first <= most, told
        assert max(later) <= most, told
        assert 1 <= other <= most, told
        if most == n and "more" not in situation:
            assert first == n, told
            assert later == [n] * 3, told
        assert lifted == [n, n], told
