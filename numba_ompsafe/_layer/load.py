"""The extension, loaded onto an OpenMP runtime."""

from types import ModuleType

from numba_ompsafe._layer import forks, runtime, warnings

# What numba.np.ufunc.parallel takes from a layer, by name. Each is an address.
FUNCTIONS = (
    "parallel_for",
    "do_scheduling_signed",
    "do_scheduling_unsigned",
    "allocate_sched",
    "deallocate_sched",
    "get_num_threads",
    "set_num_threads",
    "get_thread_id",
    "set_parallel_chunksize",
    "get_parallel_chunksize",
    "get_sched_size",
)


def load() -> ModuleType:
    """Return the extension, bound to an OpenMP runtime.

    Raises:
        OpenMPRuntimeNotFoundError: there is none.
        ValueError: ``NUMBA_OMPSAFE_FORK`` has a value that means nothing.
    """
    from numba_ompsafe import _core

    # First: a runtime that is loaded only now cannot have lost a pool.
    forks.handle()
    if _core.runtime_path() is None:
        runtime.bind()
    _core.call_at_shortage(warnings.load().of_missing_threads)
    return _core
