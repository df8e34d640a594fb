"""P8, control: threads(n), clear_mask() and the process's default do what they say, and undo it."""

import os
from typing import Any

import pytest
from harness.processes import run_python

LIMIT = 8

PRELUDE = """
import json, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
import openmp, settings
from numba_ompsafe import clear_mask, threads
results = {}
second = ThreadPoolExecutor(1)
def on_second(function, *arguments):
    return second.submit(function, *arguments).result()
"""
NUMBA = f"""
import numba
# More than the cores of a small machine, so that counts can be told apart there.
numba.config.NUMBA_NUM_THREADS = {LIMIT}
import kernels
from numba import get_num_threads, set_num_threads
def numbas():
    count = get_num_threads()
    assert kernels.launch() == count
    return count
"""
END = "\nprint(json.dumps(results))\n"


def results_of(
    code: str,
    env: dict[str, str] | None = None,
    *,
    numba: bool = True,
    layer: str | None = "ompsafe",
) -> Any:
    return run_python(PRELUDE + (NUMBA if numba else "") + code + END, env, layer=layer)


@pytest.mark.needs_torch
@pytest.mark.parametrize("omp_num_threads", [None, "3"])
def test_p8_threads_holds_for_numba_torch_and_every_runtime(omp_num_threads: str | None) -> None:
    # scikit-learn's wheel brings a runtime of its own.
    code = """
import sklearn.utils._openmp_helpers, torch
assert len(openmp.runtimes()) == 2
team = set()
for n in (1, 2, 5):
    before = settings.here()
    others = settings.new_thread(), on_second(settings.here)
    with threads(n):
        inside = settings.here()
        assert numbas() == n == torch.get_num_threads() == settings.mkl_count()
        assert len(kernels.team(n)) == n
        assert (settings.new_thread(), on_second(settings.here)) == others
    assert settings.here() == before
    for path, icvs in inside["ICVs"].items():
        assert icvs == before["ICVs"][path] | {"nthreads-var": n}
"""
    results_of(code, {"OMP_NUM_THREADS": omp_num_threads} if omp_num_threads else {})


def test_p8_threads_without_torch() -> None:
    code = """
assert numbas() == 3
before = settings.here()
with threads(2):
    assert numbas() == 2 == settings.counts()[0]
assert settings.here() == before
assert numbas() == 3
"""
    results_of(code, {"OMP_NUM_THREADS": "3", "LD_PRELOAD": "libgomp.so.1"})


def test_p8_threads_imports_neither_numba_nor_torch() -> None:
    code = """
with threads(2):
    pass
results["imported"] = [name for name in ("numba", "torch") if name in sys.modules]
"""
    assert results_of(code, numba=False) == {"imported": []}


@pytest.mark.parametrize("n", [0, -1, LIMIT + 1, "2", 2.0, None])
def test_p8_a_bad_count_is_an_error_that_names_it(n: object) -> None:
    code = f"""
before = settings.here()
try:
    threads({n!r})
except (TypeError, ValueError) as error:
    results["error"] = type(error).__name__ + ": " + str(error)
assert settings.here() == before
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
before = settings.here()
try:
    with block:
        results["ran"] = True
except ValueError as error:
    results["error"] = str(error)
assert settings.here() == before
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
    return [numbas(), torch.get_num_threads(), settings.here()]
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
    before = settings.here(), torch.get_num_threads()
    for turn in range(20):
        block = blocks[(i + turn) % 3]
        n = (i + turn) % 3 + 1
        barrier.wait()
        with block:
            barrier.wait()
            assert numbas() == n == torch.get_num_threads()
            with block, blocks[0]:
                assert numbas() == 1 == torch.get_num_threads()
            assert numbas() == n == torch.get_num_threads()
            barrier.wait()
        assert torch.get_num_threads() == 7
    return settings.here()["mask"]
with ThreadPoolExecutor(4) as pool:
    assert list(pool.map(work, range(4))) == [0] * 4
assert settings.new_thread()[1] == 7
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
        return [inside, numbas(), torch.get_num_threads(), numbas()]
from contextlib import nullcontext
results["torch's default"] = openmp.on_new_thread(lambda: around(nullcontext()))
results["default"] = openmp.on_new_thread(torch.get_num_threads)
torch.set_num_threads(7)
results["torch.set_num_threads"] = openmp.on_new_thread(lambda: around(nullcontext()))
results["in a limit"] = openmp.on_new_thread(
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
before = settings.here()
with threads(5):
    set_num_threads(1)
    assert numbas() == 1
    torch.set_num_threads(3)
    openmp.bound().set_num_threads(4)
assert settings.here() == before
assert torch.get_num_threads() == 7
assert settings.new_thread()[1] == 3
"""
    results_of(code)


@pytest.mark.needs_torch
@pytest.mark.parametrize("omp_num_threads", ["3", "1"])
@pytest.mark.parametrize("launched", [True, False])
def test_p8_torch_imported_in_a_block(omp_num_threads: str, launched: bool) -> None:
    code = f"""
if {launched}:
    numbas()
with threads(1):
    import torch
    assert numbas() == 1
results["torch"] = torch.get_num_threads()
results["numba"] = numbas()
results["new thread"] = openmp.on_new_thread(torch.get_num_threads)
"""
    results = results_of(code, {"OMP_NUM_THREADS": omp_num_threads})
    alone = "import json, torch; print(json.dumps(torch.get_num_threads()))"
    expected = run_python(alone, {"OMP_NUM_THREADS": omp_num_threads})
    assert set(results.values()) == {expected}


def test_p8_a_runtime_loaded_in_a_block_keeps_its_own_counts() -> None:
    code = """
import ctypes
numbas()
before = settings.here()
with threads(1):
    ctypes.CDLL("libomp.so.5")
    assert settings.counts() != [1, 1]
    with threads(2):
        assert settings.counts() == [2, 2]
    assert sorted(settings.counts()) == [1, 3]
after = settings.here()
assert len(after["ICVs"]) == 2
assert [icvs["nthreads-var"] for icvs in after["ICVs"].values()] == [3, 3]
"""
    results_of(code, {"OMP_NUM_THREADS": "3", "LD_PRELOAD": "libgomp.so.1"})


@pytest.mark.needs_torch
def test_p8_a_fork_in_a_block() -> None:
    code = """
import forks, torch
torch.set_num_threads(7)
before = settings.here()
def in_block():
    assert numbas() == 2 == torch.get_num_threads()
    torch.ones(1_000_000).sum()
def child():
    in_block()
    block.__exit__(None, None, None)
    assert settings.here() == before
    with threads(3):
        assert numbas() == 3 == torch.get_num_threads()
    assert numbas() == 7 == torch.get_num_threads()
with threads(2) as block:
    in_block()
    forks.in_child(child)
    in_block()
assert settings.here() == before
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

before = settings.here()
for mask in (1, 2, 5):
    with threads(mask):
        assert outer(12).all()
        assert numbas() == mask
assert settings.here() == before
"""
    results_of(code, {"LD_PRELOAD": "libgomp.so.1"})


@pytest.mark.parametrize("layer", ["ompsafe", "omp", "workqueue", None])
@pytest.mark.parametrize("launched", ["before", "in the block", "in an inner block"])
def test_p8_threads_under_every_layer(layer: str | None, launched: str) -> None:
    code = f"""
import numba
from contextlib import nullcontext
import kernels
{"kernels.launch()" if launched == "before" else ""}
with threads(2):
    with threads(1) if {launched == "in an inner block"} else nullcontext():
        results["inner"] = [kernels.launch(), numba.get_num_threads()]
    results["block"] = [kernels.launch(), numba.get_num_threads()]
    numba.set_num_threads(1)
results["after"] = [kernels.launch(), numba.get_num_threads()]
numba.set_num_threads(4)
with threads(3):
    results["in a mask"] = [kernels.launch(), numba.get_num_threads()]
results["the mask"] = [kernels.launch(), numba.get_num_threads()]
"""
    inner = 1 if launched == "in an inner block" else 2
    assert results_of(code, {"NUMBA_NUM_THREADS": "5"}, numba=False, layer=layer) == {
        "inner": [inner, inner],
        "block": [2, 2],
        "after": [5, 5],
        "in a mask": [3, 3],
        "the mask": [4, 4],
    }


@pytest.mark.parametrize("layer", ["ompsafe", "omp", "workqueue"])
def test_p8_threads_launches_no_layer(layer: str) -> None:
    code = """
import numba
with threads(1):
    pass
try:
    numba.threading_layer()
except ValueError:
    results["launched"] = False
results["runtimes"] = openmp.runtimes()
"""
    results = results_of(code, {"NUMBA_NUM_THREADS": "5"}, numba=False, layer=layer)
    assert results == {"launched": False, "runtimes": []}


@pytest.mark.parametrize("served_as_omp", [False, True])
def test_p8_numba_imported_in_a_block(served_as_omp: bool) -> None:
    code = """
with threads(2):
    import numba, kernels
    results["block"] = kernels.launch()
results["after"] = kernels.launch()
"""
    env = {"NUMBA_NUM_THREADS": "5", "NUMBA_OMPSAFE_AS_OMP": str(int(served_as_omp))}
    layer = "omp" if served_as_omp else "ompsafe"
    assert results_of(code, env, numba=False, layer=layer) == {"block": 2, "after": 5}


@pytest.mark.needs_torch
def test_p8_torchs_count_survives_omps_first_launch_in_a_block() -> None:
    code = """
import numba, torch, kernels
torch.set_num_threads(7)
with threads(1):
    kernels.launch()
    results["in the block"] = [torch.get_num_threads(), numba.get_num_threads()]
results["after it"] = torch.get_num_threads()
"""
    expected = {"in the block": [1, 1], "after it": 7}
    assert results_of(code, numba=False, layer="omp") == expected


@pytest.mark.needs_torch
def test_p8_an_interrupted_beginning_leaves_no_trace() -> None:
    # At whichever of its lines, but for the last: then the block has begun.
    code = """
import torch
torch.set_num_threads(5)
set_num_threads(2)
kernels.launch()
before = settings.here()
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
    traces.append(settings.here() != before)
assert len(traces) > 10
results["traces"] = sum(traces[:-1])
"""
    assert results_of(code) == {"traces": 0}


def test_p8_a_decorated_function_and_the_decorator_go_to_other_processes() -> None:
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


def test_p8_clear_mask_goes_back_to_the_rules() -> None:
    code = """
import numba_ompsafe
clear_mask()
results["before the launch"] = numbas()
set_num_threads(2)
on_second(set_num_threads, 1)
clear_mask()
clear_mask()
results["nthreads-var"] = numbas()
openmp.bound().set_num_threads(6)
results["followed"] = numbas()
set_num_threads(2)
numba_ompsafe.set_default_num_threads(5)
clear_mask()
results["default"] = numbas()
results["another thread's mask"] = on_second(numbas)
"""
    assert results_of(code, {"OMP_NUM_THREADS": "3", "LD_PRELOAD": "libgomp.so.1"}) == {
        "before the launch": 3,
        "nthreads-var": 3,
        "followed": 6,
        "default": 5,
        "another thread's mask": 1,
    }


def test_p8_clear_mask_under_another_layer_is_an_error_that_says_what_to_do() -> None:
    code = """
import numba_ompsafe
numbas()
try:
    clear_mask()
except numba_ompsafe.LayerAlreadyLaunchedError as error:
    results["error"] = str(error)
"""
    error = results_of(code, layer="workqueue")["error"]
    assert error.startswith("clear_mask: Numba's threading layer 'workqueue' runs")
    assert "NUMBA_THREADING_LAYER=ompsafe" in error


PROPERTY = """
import torch
if sklearn:
    import sklearn.utils._openmp_helpers
from threadpoolctl import threadpool_limits
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

numbas()
torchs = openmp.bound()  # the runtime of both
INITIAL = openmp.on_new_thread(torchs.get_max_threads)

counts = st.integers(1, 8)
masks = st.integers(1, numba.config.NUMBA_DEFAULT_NUM_THREADS)
events = st.one_of(
    st.tuples(st.just("begin"), counts),
    st.tuples(st.just("begin the same again"), counts),
    st.tuples(st.just("limit"), st.tuples(counts, st.sampled_from([None, "openmp", "numba"]))),
    st.tuples(st.just("end"), st.booleans()),  # by an exception
    st.tuples(st.just("numba.set_num_threads"), masks),
    st.tuples(st.just("clear_mask"), st.none()),
    st.tuples(st.just("torch.set_num_threads"), counts),
    st.tuples(st.just("omp_set_num_threads"), counts),
    st.tuples(st.just("omp_set_dynamic"), st.booleans()),
    st.tuples(st.just("torch op"), st.none()),
    st.tuples(st.just("launch"), st.none()),
)
programs = st.lists(st.tuples(st.integers(0, 2), events), max_size=40)
shared = [threads(n) for n in range(1, 9)]

class Actor:
    def __init__(self, executor):
        self.executor = executor
        self.open = []  # the blocks, and the settings before each
        self.settled = executor is None  # torch has set nthreads-var

    def run(self, function, *arguments):
        if self.executor is None:
            return function(*arguments)
        return self.executor.submit(function, *arguments).result()

    def settings(self):
        found = settings.here()
        if not self.settled:
            # As they will be after torch's first operation, if that is in a block.
            path, = (path for path in found["ICVs"] if path == openmp.bound_path())
            icvs = found["ICVs"][path]
            if icvs["nthreads-var"] == INITIAL:
                icvs["nthreads-var"] = openmp.on_new_thread(torch.get_num_threads)
            del found["MKL"]
        return found

    def begin(self, block):
        before = self.settings()
        block.__enter__()
        self.open.append((block, before))
        if isinstance(block, threads):
            self.settled = True
            assert get_num_threads() == block._n == torch.get_num_threads()

    def end(self, raised):
        if not self.open:
            return
        block, before = self.open.pop()
        for path, icvs in settings.here()["ICVs"].items():
            # Of the ICVs, blocks set this one alone.
            count = before["ICVs"][path]["nthreads-var"]
            before["ICVs"][path] = icvs | {"nthreads-var": count}
        error = KeyError("raised in the block")
        block.__exit__(*(KeyError, error, None) if raised else (None, None, None))
        if isinstance(block, threads):
            after = settings.here()
            assert before == {name: after[name] for name in before}, (before, after)

    def happen(self, event, value):
        if event == "begin":
            self.begin(threads(value))
        elif event == "begin the same again":
            self.begin(shared[value - 1])
        elif event == "limit":
            self.begin(threadpool_limits(value[0], user_api=value[1]))
        elif event == "end":
            self.end(value)
        elif event == "numba.set_num_threads":
            set_num_threads(value)
        elif event == "clear_mask":
            clear_mask()
        elif event == "torch.set_num_threads":
            torch.set_num_threads(value)
            torch.get_num_threads()
            self.settled = True
        elif event == "omp_set_num_threads":
            torchs.set_num_threads(value)
        elif event == "omp_set_dynamic":
            torchs.set_dynamic(value)
        elif event == "torch op":
            torch.ones(100_000).sum()
            self.settled = True
        elif event == "launch":
            numbas()

BLOCKS = ("begin", "begin the same again", "end")

def of_others(actors, actor):
    found = [other.run(settings.here) for other in actors if other is not actor]
    return found + [settings.new_thread()]

@hypothesis_settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs)
def all_is_as_before(program):
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        actors = [Actor(None), Actor(one), Actor(two)]
        for which, (event, value) in program:
            actor = actors[which]
            before = of_others(actors, actor) if event in BLOCKS else None
            actor.run(actor.happen, event, value)
            if event in BLOCKS:
                assert of_others(actors, actor) == before
        for actor in actors:
            while actor.open:
                actor.run(actor.end, True)
    # The next example begins as the first.
    clear_mask()
    torchs.set_dynamic(0)
    torch.set_num_threads(INITIAL)

all_is_as_before()
"""


@pytest.mark.needs_torch
@pytest.mark.parametrize("omp_num_threads", ["", "3"])
@pytest.mark.parametrize("sklearn", [False, True])
def test_p8_after_any_block_all_is_as_before(omp_num_threads: str, sklearn: bool) -> None:
    # Several Python threads, their blocks interleaved in any order, nested, raising.
    env = {"OMP_NUM_THREADS": omp_num_threads} if omp_num_threads else {}
    examples = int(os.environ.get("TESTS_EXAMPLES", "40"))
    results_of(f"examples, sklearn = {examples}, {sklearn}\n" + PROPERTY, env)
