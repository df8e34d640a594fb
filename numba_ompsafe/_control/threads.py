"""One number of threads for Numba, torch and OpenMP, for the length of a block.

Everything that a block sets belongs to the thread that runs it, so blocks of other threads are in
nobody's way:

- Numba's mask. Before Numba has launched a layer, ours is set all the same, and whichever layer is
  launched on this thread within the block gets it.
- nthreads-var in every OpenMP runtime that is loaded. torch's regions go by it.
- The count of torch's MKL. ``torch.set_num_threads`` would set it, too, but also, for the whole
  process, the count of the threads that torch has not run on.

At its end a block puts back what it found. One thing cannot be put back: that torch has not yet set
nthreads-var of this thread. It has to, as the block begins, or its first operation in the block
would undo it. Afterwards the thread has what torch has made of it, which is the count that torch,
and Numba by its rules, were going to have. But where somebody else had set nthreads-var of this
thread before, that comes back, and torch goes by it from then on.
"""

import inspect
import threading
from collections.abc import Callable
from contextlib import ContextDecorator, ExitStack
from typing import Any, TypeVar

from numba_ompsafe._control import counts, torch
from numba_ompsafe._layer import mask
from numba_ompsafe._process import runtimes
from numba_ompsafe._process import torch as torchs
from numba_ompsafe.errors import shown

_F = TypeVar("_F", bound=Callable[..., Any])

_RUN_LATER: dict[str, Callable[[Any], bool]] = {
    "a coroutine": inspect.iscoroutinefunction,
    "a generator": inspect.isgeneratorfunction,
    "an asynchronous generator": inspect.isasyncgenfunction,
}


class threads(ContextDecorator):  # noqa: N801  # it is called as a function is: with threads(2)
    """Run a block, or a function, with n threads in Numba, torch and every OpenMP runtime loaded.

    ::

        with numba_ompsafe.threads(2):
            ...

        @numba_ompsafe.threads(2)
        def work(): ...

    Holds for the calling thread, under every threading layer of Numba's. After the block, however
    it ends, all is as before: Numba's mask, or that there was none, nthreads-var of each runtime,
    torch's count. What ``numba.set_num_threads``, ``torch.set_num_threads`` or
    ``threadpool_limits`` set on this thread within the block ends with it. That
    ``torch.set_num_threads`` also speaks for the threads on which torch has not run yet stays.

    An object may be used by many threads, nested and recursively. Not for generators and
    coroutines: a block must end on the thread that began it, and before the blocks around it. A
    process that is forked within the block, say a ``DataLoader`` worker, begins with its counts.

    Imports neither Numba nor torch. A runtime that is loaded within the block, say by ``import
    torch``, has its own count there. Where another layer than ``ompsafe`` is launched within the
    block, for the first time, it obeys if this thread launches it. Not reached: a BLAS other than
    torch's (see ``threadpoolctl.threadpool_limits``), a torch that was built without OpenMP.

    Args:
        n: the number of threads, from 1 to ``numba.config.NUMBA_NUM_THREADS``.

    Raises:
        TypeError: n is not an integer; or what is decorated is no function, or a generator or
            coroutine.
        ValueError: n is out of that range. The upper end is known once Numba is loaded, and looked
            at here and as a block begins.
    """

    def __init__(self, n: int) -> None:
        self._n = counts.checked_count("threads", n)
        self._blocks = threading.local()

    def __call__(self, function: _F) -> _F:
        """Return the function, to be run with n threads.

        Raises:
            TypeError: it is no function, or one whose body does not run while it is called.
        """
        if not callable(function) or inspect.isclass(function):
            raise TypeError(f"threads decorates functions, and {shown(function)} is none")
        for one in (function, type(function).__call__):
            for what, is_one in _RUN_LATER.items():
                if is_one(one):
                    raise TypeError(
                        f"threads cannot decorate {shown(function)}, which makes {what}: its body "
                        "runs after the block has ended. Put a block, with numba_ompsafe.threads("
                        f"{self._n}), around what it computes between two yields or awaits"
                    )
        return super().__call__(function)

    def __reduce__(self) -> tuple[type["threads"], tuple[int]]:
        return threads, (self._n,)

    def __enter__(self) -> "threads":
        counts.checked_count("threads", self._n)
        if not hasattr(self._blocks, "open"):
            self._blocks.open = []
        self._blocks.open.append(_Block(self._n))
        return self

    def __exit__(self, *exception: object) -> None:
        self._blocks.open.pop().end()


class _Block:
    """A block that has begun on this thread.

    What is to be put back is put back also where the beginning is interrupted, or fails.
    """

    def __init__(self, n: int) -> None:
        self._runtimes = runtimes.loaded()
        self._counts = self._counts_now()
        self._mkl_count: int | None = None  # None: torch was not there
        masks = mask.Mask()
        with ExitStack() as undo:
            undo.callback(self._put_back)
            undo.callback(masks.put_back)
            if torchs.loaded():
                self._settle_torch()
            masks.set(n)
            for runtime in self._runtimes:
                runtime.set_num_threads(n)
            if self._mkl_count is not None:
                torch.set_mkl_count(n)
            self._undo = undo.pop_all()

    def end(self) -> None:
        try:
            if self._mkl_count is None and torchs.loaded():
                self._follow_torch()
        finally:
            self._undo.close()

    def _put_back(self) -> None:
        for runtime, count in zip(self._runtimes, self._counts, strict=True):
            runtime.set_num_threads(count)
        if self._mkl_count is not None:
            torch.set_mkl_count(self._mkl_count)

    def _counts_now(self) -> list[int]:
        return [runtime.num_threads for runtime in self._runtimes]

    def _settle_torch(self) -> None:
        self._mkl_count = found = torch.set_mkl_count(0)
        torch.settle()
        made = torch.set_mkl_count(0)
        self._mkl_count = made or found
        if self._counts != self._counts_now():
            self._follow_torch()
            self._mkl_count = made or found

    def _follow_torch(self) -> None:
        """Where nobody had set nthreads-var of this thread, put back what torch makes of it."""
        plan = torchs.plan(self._runtimes)
        if plan is None:
            return
        initial, settled, self._mkl_count = plan
        self._counts = [
            theirs if count == start else count
            for count, start, theirs in zip(self._counts, initial, settled, strict=True)
        ]
