"""What actors do, and check: results, ids, the count, and that a launch changes no ICV (P1)."""

import ctypes
import gc
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

import kernels
import numba
import numpy as np
import sharing
import ufuncs
from threadpoolctl import threadpool_limits

import numba_ompsafe
from numba_ompsafe import report
from stress import more_kernels, workers
from stress.actors import import_torch, runtime

ACTS = {}
CORES = sorted(os.sched_getaffinity(0))


def act(name):
    """Register a function under the name that programs have for it."""

    def register(function):
        ACTS[name] = function
        return function

    return register


def launch(name):
    """Register a function that launches and returns the count it saw, or None."""

    def register(function):
        @wraps(function)
        def checked(actor, *arguments):
            expected, before = actor.expected(), actor.icvs()
            count = function(actor, *arguments)
            assert None in (count, expected) or count == expected, f"{count} for {expected}"
            assert actor.icvs() == before, f"P1: {before} -> {actor.icvs()}"
            actor.world.launches += 1

        return act(name)(checked)

    return register


def _count_of(ids, masks):
    """Return the count that the iterations saw; fail if an id is none of a slot's."""
    count = int(masks[0])
    assert (masks == count).all(), masks
    divisions = min(count, ids.size)
    assert sorted(set(ids.tolist())) == list(range(divisions)), (ids, count)
    return count


@launch("prange")
def _(actor, size):
    return _count_of(*kernels.ids_and_masks(size))


@launch("sum")
def _(actor, size):
    x = np.arange(size) * 0.1
    count, found = actor.expected(), kernels.total(x)
    assert np.isclose(found, x.sum())
    if count is not None:
        first = actor.world.bits.setdefault((size, count), found)
        assert found == first, f"other bits for {(size, count)}: {found!r} {first!r}"


@launch("chunked")
def _(actor, size, chunk):
    assert (more_kernels.chunked(size, chunk) == 1).all()
    assert numba.get_parallel_chunksize() == 0


@launch("ufunc")
def _(actor, size):
    x = np.arange(size, dtype=np.float64)
    assert (ufuncs.add(x, x) == 2 * x).all()


@launch("gufunc")
def _(actor, rows):
    x = np.arange(rows * 3, dtype=np.float64).reshape(rows, 3)
    assert (more_kernels.sum_of_row(x) == x.sum(axis=1)).all()


@launch("nested")
def _(actor, rows, columns):
    count = actor.expected()
    outer, inner = kernels.nested_ids(rows, columns)
    if count is not None:
        assert outer.max() == min(count, rows) - 1, outer
        assert (inner.max(axis=1) == min(count, columns) - 1).all(), inner
    return None


@launch("three deep")
def _(actor, *shape):
    slots = sharing.launch(*shape, microseconds=20)
    assert sharing.one_at_a_time_under_each_id(slots)
    assert (slots["mask"] == slots["mask"][0, 0, 0]).all()
    return int(slots["mask"][0, 0, 0])


@launch("uneven")
def _(actor, size):
    waits = np.arange(size, dtype=np.int64) % 3 * 300
    turns = np.arange(size, dtype=np.int64) % 4 * 10_000
    runs, ids, threads = np.zeros((3, size), np.int64)
    kernels.busy(waits, turns, runs, ids, threads, np.zeros(size))
    assert (runs == 1).all()


@launch("objects")
def _(actor, *shape):
    x = np.full(shape, -1, np.int64)
    more_kernels.objects(x)
    assert (x == np.arange(shape[1])).all()


@launch("raises")
def _(actor, bad):
    # Numba tells of it only where the calling thread ran that slot, under any layer.
    x = np.full(32, -1, np.int64)
    try:
        more_kernels.raises(x, bad)
    except (SystemError, ValueError):
        assert bad < x.size
    ran = x == np.arange(x.size)
    assert ran.all() if bad >= x.size else (ran | (x == -1))[x != 0].all() and not ran[bad], x


@launch("masks inside")
def _(actor, rows, columns):
    x = np.full((rows, columns), -1, np.int64)
    masks = np.arange(rows, dtype=np.int64) % actor.world.largest_mask + 1
    more_kernels.masks_inside(x, masks)
    for row, mask in zip(x, masks, strict=True):
        assert row.max() == min(mask, columns) - 1, x


@launch("launches in a row")
def _(actor, times):
    x = np.zeros(64, np.int64)
    actor.world.launches += more_kernels.in_a_row(x, times)
    assert (x == times).all()


def _with_torch(function):
    """Do it where torch is there."""

    @wraps(function)
    def done(actor, *arguments):
        if actor.world.has_torch:
            function(actor, sys.modules["torch"], *arguments)

    return done


@act("torch sum")
@_with_torch
def _(actor, torch):
    assert torch.ones(200_000).sum().item() == 200_000
    actor.settled |= actor.may_settle


@act("torch product")
@_with_torch
def _(actor, torch):
    ones = torch.ones(100, 100)
    assert (ones @ ones == 100).all()


@act("torch.set_num_threads")
@_with_torch
def _(actor, torch, count):
    torch.set_num_threads(count)
    assert torch.get_num_threads() == count
    actor.settled = True
    assert runtime().get_max_threads() == count


@act("numba.set_num_threads")
def _(actor, count):
    count = min(count, actor.world.largest_mask)
    numba.set_num_threads(count)
    actor.mask, actor.limit = count, None


@act("clear_mask")
def _(actor):
    numba_ompsafe.clear_mask()
    actor.mask = None


@act("set_default_num_threads")
def _(actor, count):
    if count is not None:
        count = min(count, numba.config.NUMBA_NUM_THREADS)
    numba_ompsafe.set_default_num_threads(count)
    actor.world.default = count


def _omp(name):
    @act(f"omp_{name}")
    def call(actor, *arguments):
        getattr(runtime(), name)(*arguments)


for _name in ("set_num_threads", "set_dynamic", "set_max_active_levels", "set_schedule"):
    _omp(_name)


@act("affinity")
def _(actor, which):
    os.sched_setaffinity(0, CORES if which == "all" else CORES[:1])


class _Launches:
    def __del__(self):
        assert kernels.launch() > 0


@act("collect garbage")
def _(actor):
    for _ in range(3):
        garbage = _Launches()
        garbage.itself = garbage
    del garbage
    gc.collect()


@act("begin threads")
def _(actor, count):
    _begin(actor, numba_ompsafe.threads(count))
    actor.mask, actor.limit = count, None


@act("begin limits")
def _(actor, count, user_api):
    _begin(actor, threadpool_limits(count, user_api=user_api))
    if user_api != "openmp":
        actor.limit = count


def _begin(actor, block):
    held = actor.mask, actor.limit, actor.settled
    block.__enter__()
    actor.blocks.append((block, held))


@act("end")
def _(actor, raised):
    if actor.blocks:
        block, (actor.mask, actor.limit, actor.settled) = actor.blocks.pop()
        error = KeyError("raised in the block")
        block.__exit__(*(KeyError, error, None) if raised else (None, None, None))


@act("report")
def _(actor):
    assert report().conflicts is not None


@act("import torch")
def _(actor):
    if actor.world.torch != "never" and not actor.world.has_torch:
        import_torch()
        actor.world.has_torch = True
        actor.world.look_for_runtimes()


@act("load a runtime")
def _(actor):
    # Two of LLVM's family in one process end it, by their own wish.
    if runtime().is_gnu:
        ctypes.CDLL("libomp.so.5")
        actor.world.look_for_runtimes()


@act("worker processes")
def _(actor, method):
    workers.run_pool(method)


@act("data loader")
@_with_torch
def _(actor, torch, method):
    workers.run_loader(method)


@act("short-lived threads")
def _(actor, count):
    wrong = []

    def work():
        try:
            kernels.launch()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


@act("executor")
def _(actor, count, tasks):
    def task(size):
        assert kernels.total(np.ones(size)) == size
        return kernels.launch()

    with ThreadPoolExecutor(count) as executor:
        assert min(executor.map(task, range(tasks))) > 0


@act("signals")
def _(actor):
    if not actor.is_main:
        return
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(kernels.launch()))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for size in (7, 1000, 30_000):
            for _ in range(10):
                kernels.ids_and_masks(size)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert all(seen)


def _in_child(actor, function):
    """Fork; do it in the child, which must end well."""
    actor.world.forks += 1
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            actor.world.failures.clear()
            if not runtime().is_gnu:  # it sets its ICVs anew, and torch has set the count before
                actor.settled = actor.may_settle = False
            function()
            os.write(writer, "\n".join(actor.world.failures).encode()[:60_000])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    status = os.waitpid(pid, 0)[1]
    assert (status, text) == (0, ""), f"in a child (status {status:#x}): {text}"


def _do_all(actor, acts):
    for one in acts:
        actor.world.do(actor, one)


@act("fork")
def _(actor, acts):
    _in_child(actor, lambda: _do_all(actor, acts))


@act("fork twice")
def _(actor, acts):
    _in_child(actor, lambda: (_do_all(actor, acts), _in_child(actor, lambda: _do_all(actor, acts))))


@act("fork and leave")
def _(actor):
    _in_child(actor, lambda: None)
