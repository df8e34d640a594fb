"""P2 and P5: a launch of any kind has all the threads of its count, by whichever rule it is.

Right results do not show it: a launch that runs on its caller alone has them, too.
"""

import os

import pytest
from harness.processes import run_python
from harness.runtimes import GNU

# What makes the count three, on any number of cores, and what comes before the first launch.
THREE = {
    "1, set_num_threads": ({"NUMBA_NUM_THREADS": "8"}, "", "numba.set_num_threads(3)"),
    "2, set_default_num_threads": (
        {},
        "import numba_ompsafe; numba_ompsafe.set_default_num_threads(3)",
        "",
    ),
    "3, NUMBA_NUM_THREADS": ({"NUMBA_NUM_THREADS": "3"}, "", ""),
    "4, OMP_NUM_THREADS": ({"OMP_NUM_THREADS": "3"}, "", ""),
    "4, torch.set_num_threads": ({}, "import torch; torch.set_num_threads(3)", ""),
}
RULES = [
    pytest.param(*three, id=name, marks=pytest.mark.needs_torch if "torch" in name else ())
    for name, three in THREE.items()
]

# More than the cores of a small machine, where the environment does not say how many.
UP_TO_THREE = """
import os, numba
if "NUMBA_NUM_THREADS" not in os.environ:
    numba.config.NUMBA_NUM_THREADS = 8
"""


def threads_by_case(
    env: dict[str, str], before: str = "", here: str = "", where: str = "here"
) -> tuple[int, dict[str, int]]:
    """Return the count and how many threads took part in each case, all in one process."""
    code = f"""
import json
{before}
import numba, took_part
import parallel_gufuncs, parallel_ufuncs, pranges
from python_threads import here, on_new_thread
def by_case():
    {here}
    return took_part.by_case(
        {{
            f"{{kind.__name__}}: {{name}}": case
            for kind in (parallel_gufuncs, parallel_ufuncs, pranges)
            for name, case in kind.CASES.items()
        }}
    )
print(json.dumps({{"here": here, "new": on_new_thread}}["{where}"](by_case)))
"""
    threads = run_python(code, env)
    return threads.pop("count"), threads


@pytest.mark.parametrize(("env", "before", "here"), RULES)
def test_p2_every_launch_has_all_threads_of_the_count_under_rule(
    env: dict[str, str], before: str, here: str
) -> None:
    count, threads = threads_by_case(env, UP_TO_THREE + before, here)
    assert count == 3
    assert threads == dict.fromkeys(threads, 3)


@pytest.mark.parametrize("where", ["here", "new"])
def test_p2_every_launch_has_a_thread_for_each_core_if_nobody_says_anything(where: str) -> None:
    count, threads = threads_by_case(GNU, where=where)
    assert count == len(os.sched_getaffinity(0))
    assert threads == dict.fromkeys(threads, count)


@pytest.mark.needs_torch
def test_p2_every_launch_has_as_many_threads_as_torch_if_nobody_says_anything() -> None:
    count, threads = threads_by_case({}, "import torch")
    assert count == run_python("import torch; print(torch.get_num_threads())")
    assert threads == dict.fromkeys(threads, count)


@pytest.mark.parametrize(
    ("env", "before", "here"), [r for r in RULES if not str(r.id).startswith("1")]
)
def test_p2_a_launch_on_a_thread_that_python_has_not_started(
    env: dict[str, str], before: str, here: str
) -> None:
    code = f"""
{UP_TO_THREE + before}
import pranges
assert numba.get_num_threads() == 3
print(pranges.from_a_foreign_thread(3))
"""
    assert run_python(code, env) == 3
