"""Random programs of blocks on three Python threads, each of which must undo all that it did.

What the other threads have is to be the same at the begin and the end of each block; what the
thread of the block has is to be the same after it as before.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import openmp
import thread_settings
import torch
from counting import here
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads
from python_threads import on_new_thread
from threadpoolctl import threadpool_limits

from numba_ompsafe import clear_mask, threads

here()
torchs = openmp.bound()  # the runtime of both
INITIAL = on_new_thread(torchs.get_max_threads)

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

BLOCKS = ("begin", "begin the same again", "end")


class Actor:
    """A thread of the program; the main thread where there is no executor."""

    def __init__(self, executor):
        self.executor = executor
        self.open = []  # the blocks, and the settings before each
        self.settled = executor is None  # torch has set nthreads-var

    def run(self, function, *arguments):
        if self.executor is None:
            return function(*arguments)
        return self.executor.submit(function, *arguments).result()

    def settings(self):
        found = thread_settings.here()
        if not self.settled:
            # As they will be after torch's first operation, if that is in a block.
            (path,) = (path for path in found["ICVs"] if path == openmp.bound_path())
            icvs = found["ICVs"][path]
            if icvs["nthreads-var"] == INITIAL:
                icvs["nthreads-var"] = on_new_thread(torch.get_num_threads)
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
        for path, icvs in thread_settings.here()["ICVs"].items():
            # Of the ICVs, blocks set this one alone.
            count = before["ICVs"][path]["nthreads-var"]
            before["ICVs"][path] = icvs | {"nthreads-var": count}
        error = KeyError("raised in the block")
        block.__exit__(*(KeyError, error, None) if raised else (None, None, None))
        if isinstance(block, threads):
            after = thread_settings.here()
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
            here()


def of_others(actors, actor):
    found = [other.run(thread_settings.here) for other in actors if other is not actor]
    return [*found, thread_settings.new_thread()]


def run(examples):
    """Run so many programs, with all the runtimes that are there by now."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
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
