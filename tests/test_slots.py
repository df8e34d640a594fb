"""P5: ids, results and the bits of a reduction do not depend on the team that ran the slots."""

from typing import Any

import pytest
from harness import runtimes
from harness.processes import run_python

# A sum whose bits depend on the order, the ids and masks that kernels saw, nested and not; and how
# many threads ran a launch that waits, to make sure that it was another number.
MEASURE = """
import json, os
{before}
import numba, numpy as np, openmp
import kernels, ufuncs
x = np.random.default_rng(1).normal(size=10_007) * 10.0 ** np.arange(10_007) ** 0.1
numba.get_num_threads()
{set_up}

ids, masks = kernels.ids_and_masks(100)
outer, inner = kernels.nested_ids(8, 24)
print(json.dumps({{
    "bits": float(kernels.total(x)).hex(),
    "nested bits": float(kernels.nested_total(x, 16)).hex(),
    "ids": ids.tolist(),
    "masks": masks.tolist(),
    "outer": outer.tolist(),
    "inner": inner.tolist(),
    "ufunc": bool((ufuncs.add(x, x) == 2 * x).all()),
    "threads": len(kernels.largest_team(8, 100, {seconds})),
}}))
"""

EIGHT = {"NUMBA_NUM_THREADS": "8", "OMP_NUM_THREADS": "8"}
GNU, LLVM = EIGHT | runtimes.GNU, EIGHT | runtimes.LLVM


def measure(
    env: dict[str, str], before: str = "", set_up: str = "", seconds: int = 10
) -> dict[str, Any]:
    """``seconds``: how long to launch for, until there are eight threads."""
    return run_python(MEASURE.format(before=before, set_up=set_up, seconds=seconds), env)


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    result = measure(GNU)
    assert result.pop("threads") == 8
    return result


def test_p5_ids_and_masks_are_those_of_the_slots(plain: dict[str, Any]) -> None:
    # 100 iterations in 8 blocks, and the nested 24 in 8, whichever thread runs them.
    assert plain["ids"] == sorted(plain["ids"])
    assert set(plain["ids"]) == set(range(8))
    assert set(plain["masks"]) == {8}
    assert plain["outer"] == list(range(8))
    assert all(row == [i // 3 for i in range(24)] for row in plain["inner"])
    assert plain["ufunc"]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("runtime", [GNU, LLVM], ids=["gnu", "llvm"])
def test_p5_under_a_thread_limit(
    plain: dict[str, Any], runtime: dict[str, str], limit: int
) -> None:
    result = measure(runtime | {"OMP_THREAD_LIMIT": str(limit)}, seconds=1)
    assert result.pop("threads") == limit
    assert result == plain


@pytest.mark.parametrize("runtime", [GNU, LLVM], ids=["gnu", "llvm"])
def test_p5_with_dyn_var_on(plain: dict[str, Any], runtime: dict[str, str]) -> None:
    # It is off for the launch: the threads are all there, not cut to the idle cores.
    result = measure(runtime | {"OMP_DYNAMIC": "true"})
    assert result.pop("threads") == 8
    assert result == plain


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("runtime", [GNU, LLVM], ids=["gnu", "llvm"])
def test_p5_with_nested_teams_and_without(
    plain: dict[str, Any], runtime: dict[str, str], levels: int
) -> None:
    result = measure(runtime | {"OMP_MAX_ACTIVE_LEVELS": str(levels)})
    assert result.pop("threads") == 8
    assert result == plain


@pytest.mark.parametrize("threads", ["2", "8", "12"])
def test_p5_under_a_mask(plain: dict[str, Any], threads: str) -> None:
    env = GNU | {"NUMBA_NUM_THREADS": "12", "OMP_NUM_THREADS": threads}
    result = measure(env, set_up="numba.set_num_threads(8)")
    assert result.pop("threads") == 8
    assert result == plain


@pytest.mark.needs_torch
@pytest.mark.parametrize("pool", [1, 2, 3, 8, 12])
def test_p5_beside_torch_at_any_pool_size(plain: dict[str, Any], pool: int) -> None:
    set_up = f"torch.set_num_threads({pool}); torch.ones(1_000_000).sum()"
    result = measure({"NUMBA_NUM_THREADS": "8"}, "import torch", set_up)
    # Surplus threads have no part where torch's pool is larger; where it is smaller, others help.
    assert result.pop("threads") == 8
    assert result == plain


@pytest.mark.needs_torch
def test_p5_a_thread_where_torch_has_not_run_gets_no_larger_pool_than_torchs() -> None:
    code = """
    import json, os, torch
    import kernels, numba
    from python_threads import on_new_thread
    torch.set_num_threads(2)
    numba.get_num_threads()
    def launch_then_op():
        # It builds a pool once it has launched often.
        shared, *_, launched = [
            kernels.system_threads(8) is not None and len(os.listdir("/proc/self/task"))
            for _ in range(100)
        ]
        torch.ones(1_000_000).sum()
        return [launched - shared, len(os.listdir("/proc/self/task")) - launched]
    print(json.dumps(on_new_thread(launch_then_op)))
    """
    assert run_python(code, {"OMP_NUM_THREADS": "32"}) == [1, 0]


@pytest.mark.needs_torch
@pytest.mark.parametrize("nested", [0, 1])
def test_p5_beside_torch_with_nesting_on(plain: dict[str, Any], nested: int) -> None:
    set_up = f"torch.set_num_threads(3); openmp.bound().set_nested({nested})"
    result = measure({"NUMBA_NUM_THREADS": "8"}, "import torch", set_up)
    assert result.pop("threads") == 8
    assert result == plain


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_p5_bits_and_ids_are_those_of_numbas_layers(plain: dict[str, Any], layer: str) -> None:
    code = """
    import json, numpy as np, kernels
    x = np.random.default_rng(1).normal(size=10_007) * 10.0 ** np.arange(10_007) ** 0.1
    ids, masks = kernels.ids_and_masks(100)
    print(json.dumps([float(kernels.total(x)).hex(), ids.tolist()]))
    """
    assert run_python(code, EIGHT, layer=layer) == [plain["bits"], plain["ids"]]


# An id is taken for the time of an iteration: if another thread works under it meanwhile, the
# owner that is read back is another one. The call into libc keeps the compiler from assuming that
# what was written is still there, and gives the others their turn.
EXCLUSIVE = """
import ctypes, json
{before}
import numba, numpy as np
from numba import njit, prange
from numba.np.ufunc.parallel import get_thread_id

yield_processor = ctypes.CDLL(None).sched_yield
yield_processor.argtypes = ()

@njit(parallel=True)
def clashes(n, owners):
    found = 0
    for i in prange(n):
        mine = get_thread_id()
        owners[mine] = i
        for _ in range(3):
            yield_processor()
            found += owners[mine] != i
    return found

owners = np.zeros(numba.config.NUMBA_NUM_THREADS, np.int64)
{set_up}
results = []
for chunk in (0, 1, 7):
    numba.set_parallel_chunksize(chunk)
    for _ in range(5):
        results.append(int(clashes(500, owners)))
print(json.dumps(sum(results)))
"""


@pytest.mark.parametrize("env", [GNU, LLVM, GNU | {"OMP_THREAD_LIMIT": "3"}])
def test_p5_no_two_threads_run_under_one_id(env: dict[str, str]) -> None:
    assert run_python(EXCLUSIVE.format(before="", set_up=""), env) == 0


@pytest.mark.needs_torch
@pytest.mark.parametrize("pool", [3, 12])
def test_p5_no_two_threads_run_under_one_id_beside_torch(pool: int) -> None:
    code = EXCLUSIVE.format(before="import torch", set_up=f"torch.set_num_threads({pool})")
    assert run_python(code, {"NUMBA_NUM_THREADS": "8"}) == 0


CHUNKS = """
import ctypes, json, numba, numpy as np
from numba import njit, prange
from numba.np.ufunc.parallel import get_thread_id

microsleep = ctypes.CDLL(None).usleep
microsleep.argtypes = (ctypes.c_uint,)

# The first iteration does not end before so many others have. All of them wait, so that the launch
# has its team whichever of them is timed.
@njit(parallel=True)
def uneven(n, others, done):
    ids = np.full(n, -1, np.int64)
    for i in prange(n):
        if i == 0:
            while done.sum() < others:
                microsleep(100)
        microsleep(1)
        ids[i] = get_thread_id()
        done[i] = 1
    return ids

{set_up}
ids = []
for chunk, others in ((0, 32), (1, {others})):
    with numba.parallel_chunksize(chunk):
        ids.append(uneven(64, others, np.zeros(64, np.int64)))
print(json.dumps([int((of == of[0]).sum()) for of in ids]))
"""


@pytest.mark.parametrize("runtime", [GNU, LLVM], ids=["gnu", "llvm"])
def test_p5_chunks_are_claimed_by_whoever_is_free(runtime: dict[str, str]) -> None:
    env = runtime | {"NUMBA_NUM_THREADS": "2"}
    in_blocks, in_chunks = run_python(CHUNKS.format(set_up="", others=60), env)
    assert in_blocks == 32
    assert 1 <= in_chunks <= 4


def test_p5_chunks_are_in_blocks_if_openmps_schedule_is_static() -> None:
    env = GNU | {"NUMBA_NUM_THREADS": "2", "OMP_SCHEDULE": "static"}
    assert run_python(CHUNKS.format(set_up="", others=32), env) == [32, 32]
    by_call = "import openmp; numba.get_num_threads(); openmp.bound().set_schedule(1, 0)"
    env.pop("OMP_SCHEDULE")
    assert run_python(CHUNKS.format(set_up=by_call, others=32), env) == [32, 32]


def test_p5_what_a_kernel_sets_in_a_slot_ends_with_it() -> None:
    code = """
    import json, numba, numpy as np, kernels
    from numba import get_num_threads, njit, prange, set_num_threads

    @njit(parallel=True)
    def set_inside(n):
        seen = np.zeros(n, np.int64)
        for i in prange(n):
            seen[i] = get_num_threads()
            set_num_threads(1 + i % 3)
        return seen

    before = numba.get_num_threads()
    first_of_slots = [int(set_inside(8)[i]) for i in range(8)]
    print(json.dumps([before, first_of_slots, numba.get_num_threads(), kernels.launch()]))
    """
    assert run_python(code, GNU) == [8, [8] * 8, 8, 8]


# Generated code asks for the count up to three times for one launch. If another thread changes it
# in between, a reduction's array must not be smaller than the ids that index it.
CHANGED_MEANWHILE = """
import json, threading
{before}
import numba
numba.config.NUMBA_NUM_THREADS = 64
import numpy as np
import numba_ompsafe
from python_threads import on_new_thread

@numba.njit(parallel=True, nogil=True)
def many_launches(launches):
    wrong = 0
    for _ in range(launches):
        acc = 0
        for i in numba.prange(64):
            acc += i
        wrong += acc != 2016
    return wrong

many_launches(1)
stop = threading.Event()
def change():
    while not stop.is_set():
        for n in (1, 64):
            {change}
changer = threading.Thread(target=change)
changer.start()
wrong = on_new_thread(lambda: sum(many_launches(2_000) for _ in range(5)))
stop.set()
changer.join()
print(json.dumps(int(wrong)))
"""


def test_p5_the_process_default_changes_between_two_questions_of_one_launch() -> None:
    change = "numba_ompsafe.set_default_num_threads(n)"
    code = CHANGED_MEANWHILE.format(before="", change=change)
    assert run_python(code, {"OMP_THREAD_LIMIT": "2"}) == 0


@pytest.mark.needs_torch
def test_p5_torchs_count_changes_between_two_questions_of_one_launch() -> None:
    code = CHANGED_MEANWHILE.format(before="import torch", change="torch.set_num_threads(n)")
    assert run_python(code, {"OMP_THREAD_LIMIT": "2"}) == 0


@pytest.mark.needs_torch
@pytest.mark.parametrize("masked", [False, True])
def test_p5_whatever_torch_sets_meanwhile_on_any_thread(masked: bool) -> None:
    code = f"""
    import json, random, threading
    import numba, torch
    numba.config.NUMBA_NUM_THREADS = 8
    import kernels
    numba.get_num_threads()
    stop = threading.Event()
    failed = []

    def set_counts():
        random_count = random.Random(0)
        while not stop.is_set():
            torch.set_num_threads(random_count.randint(1, 8))
            torch.ones(100_000).sum()

    def launch(seed):
        random_count = random.Random(seed)
        try:
            for _ in range(60):
                if {masked} and numba.config.NUMBA_DEFAULT_NUM_THREADS > 1:
                    numba.set_num_threads(random_count.randint(1, 2))
                torch.set_num_threads(random_count.randint(1, 8))
                assert 1 <= kernels.launch() <= 8
        except BaseException as error:
            failed.append(repr(error))

    setter = threading.Thread(target=set_counts)
    launchers = [threading.Thread(target=launch, args=(seed,)) for seed in range(4)]
    for thread in (setter, *launchers):
        thread.start()
    for thread in launchers:
        thread.join()
    stop.set()
    setter.join()
    print(json.dumps(failed))
    """
    assert run_python(code) == []
