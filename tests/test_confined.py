"""P5: no thread of the layer's runs on a core that the process has been confined to leave."""

import os

import pytest
from harness.cores import CORES, needs_two_cores
from harness.processes import run_python
from harness.runtimes import GNU, LLVM, RUNTIMES

ORDERS = int(os.environ.get("TESTS_CONFINED_ORDERS", "4"))  # in each case
EIGHT = {"NUMBA_NUM_THREADS": "8"}
each_runtime = pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)


@needs_two_cores
@pytest.mark.timeout(600 + 10 * ORDERS)
@each_runtime
@pytest.mark.parametrize("binding", [{}, {"OMP_PROC_BIND": "true"}, {"OMP_PLACES": "cores"}])
def test_p5_a_confined_process_has_no_thread_outside_in_any_order_of_launches_and_forks(
    binding: dict[str, str], runtime: dict[str, str]
) -> None:
    code = f"import confinement\nconfinement.main(0, {ORDERS})"
    steps = run_python(code, EIGHT | binding | runtime, timeout=500 + 10 * ORDERS)
    assert steps == [12] * ORDERS


@needs_two_cores
@each_runtime
def test_p5_a_worker_that_pins_itself_stays_pinned(runtime: dict[str, str]) -> None:
    # As a worker_init_fn does, or a launcher's child.
    code = """
import json, os
import kernels
from confinement import CORES, outside, where, where_nested
from forks import start_child

def launch():
    return {int(core) for core in where(16, 100_000, False)[:, 0]} | {
        int(core) for core in where_nested(3, 8, 100_000)[..., 0].ravel()
    }

def pinned(core):
    os.sched_setaffinity(0, [core])
    cores = set().union(*(launch() for _ in range(100)))
    return [sorted(cores), sorted(outside([core]))]

where(1, 1, False), where_nested(1, 1, 1)
before = [start_child(lambda core=core: pinned(core))() for core in CORES[:2]]
launch()
after = [start_child(lambda core=core: pinned(core))() for core in CORES[:2]]
print(json.dumps([before, after]))
"""
    expected = [[[core], []] for core in CORES[:2]]
    assert run_python(code, EIGHT | runtime) == [expected, expected]


@needs_two_cores
@pytest.mark.parametrize("runtime", [GNU, LLVM], ids=["GNU", "LLVM"])
def test_p5_where_the_main_thread_alone_is_confined_the_threads_that_help_follow(
    runtime: dict[str, str],
) -> None:
    # Within 100 launches.
    code = """
import json, os
import kernels
from confinement import CORES, where, where_nested
from patience import eventually

def launch():
    for _ in range(100):
        where(16, 20_000, False), where_nested(3, 8, 20_000)

def spread():
    launch()
    return {int(core) for core in where(64, 200_000, False)[:, 0]}

kernels.largest_team(8)
launch()
os.sched_setaffinity(0, CORES[:1])
launch()
confined = sorted(set().union(*(spread() for _ in range(3))))
os.sched_setaffinity(0, CORES)
widened = eventually(lambda: spread() >= set(CORES[:2]), 20)
print(json.dumps([confined, widened]))
"""
    assert run_python(code, EIGHT | runtime) == [CORES[:1], True]


@needs_two_cores
@each_runtime
def test_p5_a_thread_that_was_pinned_keeps_its_cores_when_it_first_launches(
    runtime: dict[str, str],
) -> None:
    # LLVM's and Intel's runtimes give a thread that they do not know all cores.
    code = """
import json, os
import kernels, numba
from python_threads import on_new_thread

def pinned():
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    before = os.sched_getaffinity(0)
    numba.get_num_threads()
    kernels.launch()
    kernels.system_threads(8)
    return before == os.sched_getaffinity(0)

first = on_new_thread(pinned)
kernels.largest_team(8)
print(json.dumps([first, on_new_thread(pinned)]))
"""
    assert run_python(code, EIGHT | runtime) == [True, True]


@pytest.mark.parametrize("cores", [CORES, CORES[:1]], ids=["all", "one"])
def test_p8_the_report_tells_which_cores_launches_are_spread_over(cores: list[int]) -> None:
    code = f"""
import json, os
os.sched_setaffinity(0, {cores})
import numba_ompsafe
before = numba_ompsafe.report().layer.cores
import kernels
kernels.launch()
report = numba_ompsafe.report()
print(json.dumps([before, report.layer.cores, "spread over" in str(report)]))
"""
    assert run_python(code) == [None, cores, True]
