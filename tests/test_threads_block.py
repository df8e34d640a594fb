"""P8, control: a block of threads(n) holds for its thread, and undoes all that it did."""

import pytest
from harness.runtimes import GNU
from harness.thread_blocks import results_of

LIMIT = 8


@pytest.mark.needs_torch
@pytest.mark.parametrize("omp_num_threads", [None, "3"])
def test_p8_threads_holds_for_numba_torch_and_every_runtime(omp_num_threads: str | None) -> None:
    # scikit-learn's wheel brings a runtime of its own.
    code = """
import sklearn.utils._openmp_helpers, torch
assert len(openmp.runtimes()) == 2
team = set()
for n in (1, 2, 5):
    before = thread_settings.here()
    others = thread_settings.new_thread(), on_second_thread(thread_settings.here)
    with threads(n):
        inside = thread_settings.here()
        assert here() == n == torch.get_num_threads() == thread_settings.mkl_count()
        assert len(kernels.largest_team(n)) == n
        assert (thread_settings.new_thread(), on_second_thread(thread_settings.here)) == others
    assert thread_settings.here() == before
    for path, icvs in inside["ICVs"].items():
        assert icvs == before["ICVs"][path] | {"nthreads-var": n}
"""
    results_of(code, {"OMP_NUM_THREADS": omp_num_threads} if omp_num_threads else {})


def test_p8_threads_without_torch() -> None:
    code = """
assert here() == 3
before = thread_settings.here()
with threads(2):
    assert here() == 2 == thread_settings.counts()[0]
assert thread_settings.here() == before
assert here() == 3
"""
    results_of(code, {"OMP_NUM_THREADS": "3"} | GNU)


@pytest.mark.parametrize("n", [0, -1, LIMIT + 1, "2", 2.0, None])
def test_p8_a_bad_count_is_an_error_that_names_it(n: object) -> None:
    code = f"""
numba.config.NUMBA_NUM_THREADS = {LIMIT}
before = thread_settings.here()
try:
    threads({n!r})
except (TypeError, ValueError) as error:
    results["error"] = type(error).__name__ + ": " + str(error)
assert thread_settings.here() == before
"""
    error = results_of(code)["error"]
    if isinstance(n, int):
        assert error.startswith(f"ValueError: threads: n is {n}, and must be between 1 and")
        assert "NUMBA_NUM_THREADS" in error
    else:
        assert error == f"TypeError: threads: n must be an integer, not {n!r}"


def test_p8_a_count_that_numba_turns_out_not_to_have_is_an_error_of_the_block() -> None:
    code = """
block = threads(100_000)
import numba
before = thread_settings.here()
try:
    with block:
        results["ran"] = True
except ValueError as error:
    results["error"] = str(error)
assert thread_settings.here() == before
"""
    results = results_of(code, numba=False)
    assert list(results) == ["error"]
    assert results["error"].startswith("threads: n is 100000, and must be between 1 and")


@pytest.mark.needs_torch
def test_p8_threads_nests_recurses_raises_and_decorates() -> None:
    code = """
import torch
torch.set_num_threads(7)
def state():
    return [here(), torch.get_num_threads(), thread_settings.here()]
before = state()

one = threads(1)
with one, threads(4):
    assert state()[:2] == [4, 4]
    with one:
        assert state()[:2] == [1, 1]
        with one:
            assert state()[:2] == [1, 1]
    assert state()[:2] == [4, 4]
assert state() == before

@threads(2)
def countdown(n):
    assert state()[:2] == [2, 2]
    with threads(n + 1):
        assert state()[:2] == [n + 1, n + 1]
        if n:
            countdown(n - 1)
        else:
            raise KeyError("the end")
try:
    countdown(4)
except KeyError:
    assert state() == before
"""
    results_of(code)


@pytest.mark.needs_torch
def test_p8_one_object_serves_many_threads_at_once() -> None:
    code = """
import torch
torch.set_num_threads(7)
blocks = [threads(n) for n in (1, 2, 3)]
barrier = threading.Barrier(4, timeout=60)
def work(i):
    try:
        return turns(i)
    except BaseException:
        barrier.abort()  # nobody waits for this thread
        raise
def turns(i):
    before = thread_settings.here(), torch.get_num_threads()
    for turn in range(20):
        block = blocks[(i + turn) % 3]
        n = (i + turn) % 3 + 1
        barrier.wait()
        with block:
            barrier.wait()
            assert here() == n == torch.get_num_threads()
            with block, blocks[0]:
                assert here() == 1 == torch.get_num_threads()
            assert here() == n == torch.get_num_threads()
            barrier.wait()
        assert torch.get_num_threads() == 7
    return thread_settings.here()["mask"]
with ThreadPoolExecutor(4) as pool:
    assert list(pool.map(work, range(4))) == [0] * 4
assert thread_settings.new_thread()[1] == 7
"""
    results_of(code)


@pytest.mark.needs_torch
def test_p8_a_thread_that_torch_has_not_run_on_gets_the_count_it_was_going_to_have() -> None:
    code = """
import torch
from threadpoolctl import threadpool_limits
def around(begin):
    with begin:
        with threads(2):
            torch.ones(1_000_000).sum()
            inside = torch.get_num_threads()
        return [inside, here(), torch.get_num_threads(), here()]
from contextlib import nullcontext
results["torch's default"] = on_new_thread(lambda: around(nullcontext()))
results["default"] = on_new_thread(torch.get_num_threads)
torch.set_num_threads(7)
results["torch.set_num_threads"] = on_new_thread(lambda: around(nullcontext()))
results["in a limit"] = on_new_thread(
    lambda: around(threadpool_limits(5, user_api="openmp"))
)
"""
    results = results_of(code, {"OMP_NUM_THREADS": "3"})
    default = results["default"]
    assert results == {
        "default": default,
        "torch's default": [2, default, default, default],
        "torch.set_num_threads": [2, 7, 7, 7],
        # Somebody's wish for this thread: torch would have ignored it at its first operation.
        "in a limit": [2, 5, 5, 5],
    }


@pytest.mark.needs_torch
def test_p8_what_is_set_in_a_block_ends_with_it_but_torchs_count_for_new_threads() -> None:
    code = """
import torch
torch.set_num_threads(7)
set_num_threads(2)
before = thread_settings.here()
with threads(5):
    set_num_threads(1)
    assert here() == 1
    torch.set_num_threads(3)
    openmp.bound().set_num_threads(4)
assert thread_settings.here() == before
assert torch.get_num_threads() == 7
assert thread_settings.new_thread()[1] == 3
"""
    results_of(code)


@pytest.mark.needs_torch
def test_p8_a_fork_in_a_block() -> None:
    code = """
import forks, torch
torch.set_num_threads(7)
before = thread_settings.here()
def in_block():
    assert here() == 2 == torch.get_num_threads()
    torch.ones(1_000_000).sum()
def child():
    in_block()
    block.__exit__(None, None, None)
    assert thread_settings.here() == before
    with threads(3):
        assert here() == 3 == torch.get_num_threads()
    assert here() == 7 == torch.get_num_threads()
with threads(2) as block:
    in_block()
    forks.in_child(child)
    in_block()
assert thread_settings.here() == before
"""
    results_of(code)


def test_p8_threads_in_object_mode_inside_of_a_kernel() -> None:
    code = """
import numpy as np

def nested(i):
    masks = [get_num_threads()]
    with threads(1 + i % 3):
        masks += [get_num_threads(), int(kernels.ids_and_masks(10)[1][0])]
    return masks[1:] == [1 + i % 3] * 2 and get_num_threads() == masks[0]

@numba.njit(parallel=True)
def outer(n):
    right = np.zeros(n, np.bool_)
    for i in numba.prange(n):
        with numba.objmode(ok="boolean"):
            ok = nested(i)
        right[i] = ok
    return right

before = thread_settings.here()
for mask in (1, 2, 5):
    with threads(mask):
        assert outer(12).all()
        assert here() == mask
assert thread_settings.here() == before
"""
    results_of(code, GNU)


@pytest.mark.needs_torch
def test_p8_an_interrupted_beginning_leaves_no_trace() -> None:
    # At whichever of its lines, but for the last: then the block has begun.
    code = """
import torch
torch.set_num_threads(5)
set_num_threads(2)
kernels.launch()
before = thread_settings.here()
class Stop(Exception): pass
BEGIN = {"_Block." + name for name in ("__init__", "_settle_torch", "_counts_now")}
def interrupted(at):
    lines = 0
    def trace(frame, event, argument):
        nonlocal lines
        if event == "line" and frame.f_code.co_qualname in BEGIN:
            lines += 1
            if lines == at:
                raise Stop
        return trace
    sys.settrace(trace)
    try:
        with threads(1):
            sys.settrace(None)
    except Stop:
        return True
    finally:
        sys.settrace(None)
    return False
traces = []
while interrupted(len(traces) + 1):
    traces.append(thread_settings.here() != before)
assert len(traces) > 10
results["traces"] = sum(traces[:-1])
"""
    assert results_of(code) == {"traces": 0}


def test_p8_a_decorated_function_and_the_decorator_go_to_other_processes() -> None:
    pytest.importorskip("cloudpickle")
    code = """
import pickle
import cloudpickle
@threads(2)
def count():
    return get_num_threads()
results["function"] = cloudpickle.loads(cloudpickle.dumps(count))()
with pickle.loads(pickle.dumps(threads(3))):
    results["decorator"] = get_num_threads()
"""
    assert results_of(code) == {"function": 2, "decorator": 3}
