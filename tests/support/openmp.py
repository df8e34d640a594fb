"""Reads an OpenMP runtime's ICVs through its own functions."""

import ctypes
import os

from threadpoolctl import ThreadpoolController


def runtimes():
    """Return the paths of all OpenMP runtimes in the process."""
    controllers = ThreadpoolController().select(user_api="openmp").lib_controllers
    return [controller.filepath for controller in controllers]


class Runtime:
    """A runtime that is in the process, by path or SONAME."""

    def __init__(self, name):
        self.library = ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
        self.is_gnu = not hasattr(self.library, "__kmpc_fork_call")

    def __getattr__(self, function):
        found = getattr(self.library, "omp_" + function)
        setattr(self, function, found)  # not looked for again
        return found

    def icvs(self):
        """Return this thread's ICVs. LLVM's and Intel's warn of omp_get_nested: not read there."""
        kind, chunk = ctypes.c_int(), ctypes.c_int()
        self.get_schedule(ctypes.byref(kind), ctypes.byref(chunk))
        icvs = {
            "nthreads-var": self.get_max_threads(),
            "dyn-var": self.get_dynamic(),
            "max-active-levels-var": self.get_max_active_levels(),
            "run-sched-var": [kind.value, chunk.value],
            "thread-limit-var": self.get_thread_limit(),
        }
        if self.is_gnu:
            icvs["nest-var"] = self.get_nested()
        return icvs


def bound():
    """Return the runtime that the layer launches on."""
    from numba_ompsafe import _core

    return Runtime(_core.runtime_path())


def bound_path():
    """Return the file of the runtime that the layer launches on, as runtimes() names it."""
    from numba_ompsafe import _core

    return os.path.realpath(_core.runtime_path())


def the_one():
    """Return the only runtime in the process."""
    (path,) = runtimes()
    return Runtime(path)
