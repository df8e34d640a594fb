"""P7 in the long run: what is done again and again costs no memory, thread or descriptor each time.

Not among the tests that a change waits for: `nox -s leaks`, or `pytest tests/find_leaks.py`.
"""

from typing import Any

import pytest
from harness.processes import run_python
from harness.runtimes import GNU, INTEL, every_runtime, some_runtimes

pytestmark = pytest.mark.timeout(1800)


def growth(code: str, env: dict[str, str], before: str = "", **options: Any) -> Any:
    """Return what has grown, as ``code`` has put it into ``grown``, in a process of its own.

    Launches are for four threads: more than torch's pool of two has, and less than its pool of 8.
    """
    begin = f"""
import json, os
{before}
import numba
numba.set_num_threads(4)
import growth
from launches_of_all_kinds import KINDS, brief, nested, tiny, waiting
grown = {{}}
"""
    # Every object of Python's is counted, too, and an arena more or less is nobody's leak.
    env = {"NUMBA_NUM_THREADS": "8", "PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "4"} | env
    return run_python(
        begin + code + "\nprint(json.dumps(grown))",
        env,
        timeout=1500,
        options=("-W", "ignore:This process:DeprecationWarning"),
        **options,
    )


@every_runtime
def test_p7_a_million_launches_keep_nothing(env: dict[str, str], before: str) -> None:
    code = "tiny()\ngrown = growth.of(tiny, 1_000_000)"
    assert growth(code, env, before) == {}


@every_runtime
def test_p7_launches_of_all_kinds_keep_nothing(env: dict[str, str], before: str) -> None:
    code = """
for name, launch in KINDS.items():
    grown |= {f"{name}: {what}": by for what, by in growth.of(launch, 20_000).items()}
"""
    assert growth(code, env, before) == {}


@pytest.fixture
def not_intels(env: dict[str, str]) -> None:
    if env.get("LD_PRELOAD") == str(INTEL):
        # Thousands of them, under Numba's own layer omp as well.
        pytest.skip("Intel's runtime keeps the threads that served a thread that has ended")


THREADS = """
from threading import Thread
def on_new_threads(function, n=1):
    threads = [Thread(target=function) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@pytest.mark.usefixtures("not_intels")
@every_runtime
@pytest.mark.parametrize("n", [2, 4])
def test_p7_threads_that_launch_once_keep_nothing(env: dict[str, str], before: str, n: int) -> None:
    # Two threads are few enough for a pool of the thread's own, four too many for most machines.
    code = f"""
{THREADS}
def launch():
    numba.set_num_threads({n})
    waiting()
grown = growth.of(lambda: on_new_threads(launch), 10_000)
"""
    assert growth(code, env, before) == {}


@pytest.mark.usefixtures("not_intels")
@every_runtime
def test_p7_threads_that_launch_at_once_keep_nothing(env: dict[str, str], before: str) -> None:
    code = f"""
{THREADS}
def launch():
    for _ in range(10):
        tiny()
        brief()
        nested()
    waiting()
# Once with more of them than later, since the crew grows with those who share.
on_new_threads(launch, 32)
grown = growth.of(lambda: on_new_threads(launch, 8), 500)
"""
    assert growth(code, env, before) == {}


@every_runtime
def test_p7_a_thousand_forks_keep_nothing(env: dict[str, str], before: str) -> None:
    # A plain Python that forks so grows by up to eight bytes a fork; nothing that is allocated has
    # less than 32.
    code = """
from forks import in_child
def fork():
    waiting()
    in_child(waiting)
grown = growth.of(fork, 1000, others_bytes=16)
"""
    assert growth(code, env, before) == {}


@pytest.mark.parametrize("env", [{}, GNU], ids=["torch's", "the system's"])
def test_p7_generations_of_children_hand_nothing_on(env: dict[str, str]) -> None:
    # What a child keeps of its parent is its own child's, too. Each thread that a fork loses leaves
    # 900 bytes of the system's and, later on, a mapping: a plain one of Python's does so, too.
    # LLVM's and Intel's runtimes leave 80 and 150 kB of their own, after a region without Numba.
    code = """
IN_WINDOW = 50
def live(left):
    looks = []
    while True:
        waiting()
        if left % IN_WINDOW == 0:
            looks.append(growth.held())
        if left == 0:
            return looks
        if os.fork():
            os._exit(0)
        left -= 1
reader, writer = os.pipe()
if os.fork() == 0:
    try:
        os.write(writer, json.dumps(live(300)).encode())
    finally:
        os._exit(0)
os.close(writer)
with os.fdopen(reader) as answer:
    looks = json.load(answer)
grown = growth.growth(looks[1:], IN_WINDOW, others_bytes=8 * 1024)
grown.pop("mappings", None)
"""
    assert growth(code, env) == {}


@some_runtimes
def test_p7_blocks_of_threads_keep_nothing(env: dict[str, str], before: str) -> None:
    code = """
from numba_ompsafe import threads
def block():
    with threads(2):
        tiny()
        with threads(3):
            tiny()
grown = growth.of(block, 20_000)
"""
    assert growth(code, env, before) == {}


@some_runtimes
def test_p8_a_thousand_reports_keep_nothing(env: dict[str, str], before: str) -> None:
    code = """
from contextlib import suppress
from numba_ompsafe import ThreadConfigError, check, report
tiny()
def look():
    str(report())
    with suppress(ThreadConfigError):
        check()
grown = growth.of(look, 1000)
"""
    assert growth(code, env, before) == {}


@some_runtimes
def test_p4_runtimes_that_come_and_go_keep_nothing(env: dict[str, str], before: str) -> None:
    code = f"""
import _ctypes, ctypes, shutil, tempfile
{THREADS}
import openmp
copy = shutil.copy(openmp.bound_path(), tempfile.mkdtemp() + "/libgomp-later.so.1")
def come_and_go():
    handle = ctypes.CDLL(copy)._handle
    on_new_threads(brief)
    brief()
    _ctypes.dlclose(handle)
# To open a library and to close it leaves 37 bytes.
grown = growth.of(come_and_go, 500, others_bytes=64)
"""
    assert growth(code, env, before) == {}
