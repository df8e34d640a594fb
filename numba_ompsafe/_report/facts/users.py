"""Which loaded library uses which OpenMP runtime.

That a library depends on a runtime (DT_NEEDED) does not say that its calls go there: the dynamic
linker asks its global scope first, where ``LD_PRELOAD`` puts a runtime and ``import torch`` puts
torch's. It does so when the library is loaded, as Python has it done for extension modules. So what
the global scope has answers for the libraries that were loaded after it, and each of the others has
what it depends on.
"""

import ctypes
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from numba_ompsafe._report.facts.elf import Elf, ElfError

_STARTS_REGIONS = ("GOMP_parallel", "__kmpc_fork_call")
_OPENMP = ("GOMP_", "__kmpc_", "omp_")

# The dynamic linker itself comes after LD_PRELOAD's libraries, and before all that come later.
_LINKER = "ld-linux"

# By loading this one, ``import torch`` puts what it depends on into the global scope.
_TORCHS_SCOPE = "libtorch_global_deps.so"

_RTLD_DI_LINKMAP = 2


@dataclass
class Users:
    """Of one runtime: the libraries whose calls go there, and how many depend on its name."""

    paths: list[str] = field(default_factory=list)
    dependents: int = 0


def find(runtimes: Iterable[str]) -> dict[str, Users]:
    """Return the users of each runtime, by its path."""
    users = {path: Users() for path in runtimes}
    names = {path: _names(path) for path in users}
    linker = _DynamicLinker()
    for path in linker.order:
        if path in users:
            continue
        try:
            with Elf(path) as library:
                needed = set(library.needed)
                runtimes_needed = [one for one in users if names[one] & needed]
                function = _call(library) if runtimes_needed else None
        except (OSError, ElfError):  # its file is gone, or it never had one
            continue
        for runtime in runtimes_needed:
            users[runtime].dependents += 1
        used = linker.answers(path, function) if function else None
        if used in users:
            users[used].paths.append(path)
    return users


def importers(function: str, libraries: Iterable[str]) -> Iterator[str]:
    """Yield those of the libraries, given and returned by path, that call the OpenMP function."""
    for path in libraries:
        try:
            with Elf(path) as library:
                if function in library.imports((function,)):
                    yield path
        except (OSError, ElfError):
            continue


def _names(path: str) -> set[str]:
    names = {os.path.basename(path)}
    try:
        with Elf(path) as library:
            names.add(library.soname or "")
    except (OSError, ElfError):
        pass
    return names - {""}


def _call(library: Elf) -> str | None:
    """Return the function that starts the library's regions, or another of OpenMP's it calls."""
    functions = list(library.imports(_OPENMP))
    starts = [name for name in functions if name in _STARTS_REGIONS]
    return next(iter(starts or functions), None)


class _LinkMap(ctypes.Structure):
    """``struct link_map`` of ``<link.h>``."""


_LinkMap._fields_ = [
    ("l_addr", ctypes.c_void_p),
    ("l_name", ctypes.c_char_p),
    ("l_ld", ctypes.c_void_p),
    ("l_next", ctypes.POINTER(_LinkMap)),
    ("l_prev", ctypes.POINTER(_LinkMap)),
]


class _DlInfo(ctypes.Structure):
    """``Dl_info`` of ``<dlfcn.h>``."""

    _fields_ = (
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    )


class _DynamicLinker:
    """The libraries in the process in the order of their loading, and whose functions they call.

    ``dlinfo`` is asked, not ``dl_iterate_phdr``: that holds a lock of the dynamic linker's while it
    calls back, and a callback in Python waits for the GIL, whose holder may want that lock.
    """

    def __init__(self) -> None:
        self._global_scope = ctypes.CDLL(None)
        paths = {os.path.realpath(name): os.path.basename(name) for name in self._names()}
        self.order = {path: position for position, path in enumerate(paths)}
        linker = (at for at, name in enumerate(paths.values()) if name.startswith(_LINKER))
        self._start = next(linker, 0)

    def answers(self, path: str, function: str) -> str | None:
        """Return the library that the calls of ``function`` in the library at ``path`` reach."""
        found = self._holder(self._global_scope, function)
        if found is not None and self._global_since(found) < self.order[path]:
            return found
        return self._holder(ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD), function)

    def _names(self) -> Iterator[str]:
        at = ctypes.POINTER(_LinkMap)()
        handle = ctypes.c_void_p(self._global_scope._handle)
        if self._global_scope.dlinfo(handle, _RTLD_DI_LINKMAP, ctypes.byref(at)) != 0:
            return
        while at:
            if at.contents.l_name:  # the program itself has none
                yield os.fsdecode(at.contents.l_name)
            at = at.contents.l_next

    def _global_since(self, path: str) -> int:
        """Return the position in the order from which on the library is in the global scope.

        torch's may have been loaded before torch, by the layer, and for itself alone; but what the
        process has started with (``LD_PRELOAD``) was there for all from the start.
        """
        position = self.order.get(path, 0)
        if position < self._start:
            return position
        beside = os.path.join(os.path.dirname(path), _TORCHS_SCOPE)
        return max(position, self.order.get(beside, 0))

    def _holder(self, scope: ctypes.CDLL, function: str) -> str | None:
        """Return the library whose function the scope offers under that name."""
        if not hasattr(scope, function):
            return None
        info = _DlInfo()
        address = ctypes.cast(getattr(scope, function), ctypes.c_void_p)
        if self._global_scope.dladdr(address, ctypes.byref(info)) == 0:
            return None
        return os.path.realpath(os.fsdecode(info.dli_fname))
