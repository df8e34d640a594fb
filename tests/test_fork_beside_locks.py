"""P6: a fork waits for no thread that may be waiting for it.

Beside threads that keep locks of other people's: the dynamic linker's, which a callback in Python
holds while it wants the GIL, those of OpenMP runtimes, whose fork handlers take them first, and one
that torch's first operation is under.
"""

import pytest
from harness.c_libraries import built
from harness.forking import RUNS, run
from harness.runtimes import INTEL

RUNTIMES = ["", "libgomp.so.1", "libomp.so.5", str(INTEL)]

BOTH_LAUNCHED = "import torch; both_run()"
TORCH_ALONE = "import torch; torch_runs()"

# Intel's warns of a fork while another thread is in a region.
QUIET = {"KMP_WARNINGS": "0"}


@pytest.mark.parametrize("runtime", RUNTIMES[1:])
def test_p6_in_the_linker_numba_alone(runtime: str) -> None:
    beside_the_linker("numba_runs()", "in_child(numba_starts); numba_runs()", LD_PRELOAD=runtime)


@pytest.mark.needs_torch
@pytest.mark.parametrize(
    ("before", "case"),
    [
        (BOTH_LAUNCHED, "in_child(numba_first); both_run()"),
        (BOTH_LAUNCHED, "in_child(torch_first); on_thread(lambda: in_child(numba_first))"),
        (BOTH_LAUNCHED, "in_child(lambda: in_child(numba_first))"),
        (TORCH_ALONE, "torch_runs(); in_child(torch_starts)"),
        (f"import numba; {TORCH_ALONE}", "torch_runs(); in_child(torch_starts)"),
        ("import numba", "in_child(os.getpid)"),
    ],
)
def test_p6_in_the_linker(before: str, case: str) -> None:
    beside_the_linker(before, case)


def beside_the_linker(before: str, case: str, **env: str) -> None:
    code = f"{before}\nwith in_linker():\n    for _ in range({5 * RUNS}):\n        {case}"
    run(code, **QUIET, **env)


@pytest.mark.needs_torch
def test_p6_the_count_is_asked_while_another_thread_is_in_the_linker() -> None:
    # Generated code asks with the GIL held, here before and after torch is there to be asked.
    run("""
import numba, time
ask = numba.njit(lambda: numba.get_num_threads())
kernels().launch()
ask()
with in_linker():
    for _ in range(100):
        ask()
        on_thread(ask)
        time.sleep(0.002)
import torch
torch.set_num_threads(3)
torch.get_num_threads()
with in_linker():
    for _ in range(100):
        assert ask() == 3
        assert on_thread(ask) == 3
        assert on_thread(kernels().launch) == 3
""")


@pytest.mark.needs_torch
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_p6_beside_threads_that_come_launch_and_go(runtime: str) -> None:
    # Each is asked for its count anew: on a thread of the layer's, which enters the runtime.
    run(
        f"""
numba_runs()
import torch
torch.set_num_threads(3)
torch.get_num_threads()
launch = kernels().launch
with Busy(*[lambda: on_thread(launch)] * 3):
    for _ in range({10 * RUNS}):
        in_child(launch)
""",
        LD_PRELOAD=runtime,
        **QUIET,
    )


def test_p6_what_threads_call_is_loaded_with_numba() -> None:
    # Python's lock for the import of a module: in a child forked meanwhile it is taken for ever.
    imported = run("""
import numba, numba_ompsafe
before = set(sys.modules)
numba_ompsafe.clear_mask()
numba_ompsafe.set_default_num_threads(numba_ompsafe.get_default_num_threads())
numba_ompsafe.threads(2)
print(json.dumps([sorted(set(sys.modules) - before), "KMP_DUPLICATE_LIB_OK" in os.environ]))
""")
    assert imported == [[], False]


@pytest.mark.needs_torch
def test_p6_beside_torchs_first_operation() -> None:
    run(
        """
import time, torch
thread = threading.Thread(target=torch.ones, args=(10,))
thread.start()
time.sleep(0.3)
assert thread.is_alive()
in_child(torch_runs)
thread.join()
""",
        LD_PRELOAD=str(built("slow_cpus")),
    )
