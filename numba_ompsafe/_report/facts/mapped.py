"""The libraries that another process has loaded, as the files say that it has mapped.

Which runtime a library depends on is in its file. Whether its calls go there is decided by the
dynamic linker, in the process's memory, which is not read: what can be concluded is.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from numba_ompsafe._report.facts import proc
from numba_ompsafe._report.facts.elf import Elf, ElfError
from numba_ompsafe._report.record import Library

_KINDS: dict[str, tuple[Literal["openmp", "blas"], str]] = {
    "libgomp": ("openmp", "GNU"),
    "libomp": ("openmp", "LLVM"),
    "libiomp5": ("openmp", "Intel"),
    "libopenblas": ("blas", "OpenBLAS"),
    "libscipy_openblas": ("blas", "OpenBLAS"),
    "libmkl_rt": ("blas", "MKL"),
    "libblis": ("blas", "BLIS"),
}
# Not Open MPI's libompitrace, nor LLVM's libomptarget.
_IS_LIBRARY = re.compile(rf"({'|'.join(_KINDS)})(?:p|64_|\d)*[-.]")


@dataclass(frozen=True, slots=True)
class Linkage:
    """The names by which a library is asked for, and those that it asks for."""

    names: frozenset[str]
    needed: tuple[str, ...]


def files(pid: int) -> dict[str, Linkage]:
    """Return the files that a process has mapped, by their paths there, and what they say.

    A file that is gone, or is no library, has the name of its path and needs none.

    Raises:
        OSError: there is no such process, or it may not be looked at.
    """
    return {path: _linkage(path, pid) for path in proc.mapped_files(pid)}


def libraries(mapped: Mapping[str, Linkage]) -> tuple[Library, ...]:
    """Return the OpenMP runtimes and the BLAS libraries among the files, OpenMP's first.

    ``import torch`` puts its runtime into the dynamic linker's global scope. Libraries that are
    loaded later call that one, and not their own of the same vendor; those that were loaded before
    do not; and which were is not known. But had a runtime been there that answers to the name of
    torch's, torch would have taken it.
    """
    kinds = {path: kind for path in mapped if (kind := _kind(path))}
    users = _users(kinds, mapped)
    in_use: dict[str, bool | None] = dict.fromkeys(kinds, True)
    torchs = next((path for path in kinds if any(map(is_torch, users[path]))), None)
    for path in kinds:
        if torchs in (None, path) or kinds[path] != kinds[torchs]:
            continue
        in_use[path] = None
        if mapped[path].names & mapped[torchs].names:
            in_use[path] = False
            users[torchs] += users[path]
            users[path] = ()
    found = [
        Library(
            path=path,
            api=api,
            name=name,
            version=None,
            num_threads=None,
            used_by=users[path],
            in_use=in_use[path],
        )
        for path, (api, name) in kinds.items()
    ]
    return tuple(sorted(found, key=lambda library: library.api, reverse=True))


def is_openmp_runtime(path: str) -> bool:
    """Whether the file's name is that of an OpenMP runtime."""
    kind = _kind(path)
    return kind is not None and kind[0] == "openmp"


def is_numba(path: str) -> bool:
    """Whether the file is an extension module that ``import numba`` loads."""
    return "/numba/_helperlib." in path


def is_torch(path: str) -> bool:
    """Whether the file is the library that torch's parallel regions are in."""
    return os.path.basename(path).startswith("libtorch_cpu.so")


def runtime_of_torch(libraries: Iterable[Library]) -> str | None:
    """Return the path of the OpenMP runtime that torch uses, out of ``libraries``."""
    users = ((library.path, library.used_by) for library in libraries)
    return next((path for path, used_by in users if any(map(is_torch, used_by))), None)


def _users(found: Iterable[str], mapped: Mapping[str, Linkage]) -> dict[str, tuple[str, ...]]:
    """Return for each library that was found the paths of those that depend on it.

    Where several have the name that a library asks for, the one in its own folder is taken to be
    the answer, as in a wheel.
    """
    users: dict[str, list[str]] = {path: [] for path in found}
    for user, linkage in mapped.items():
        for name in linkage.needed:
            answering = [path for path in users if name in mapped[path].names]
            beside = [path for path in answering if os.path.dirname(path) == os.path.dirname(user)]
            for path in beside or answering:
                users[path].append(user)
    return {path: tuple(dict.fromkeys(names)) for path, names in users.items()}


def _kind(path: str) -> tuple[Literal["openmp", "blas"], str] | None:
    match = _IS_LIBRARY.match(os.path.basename(path))
    return _KINDS[match[1]] if match else None


def _linkage(path: str, pid: int) -> Linkage:
    names = frozenset({os.path.basename(path)})
    try:
        with Elf(str(proc.seen_from_here(pid, path))) as file:
            return Linkage(names | {file.soname or os.path.basename(path)}, file.needed)
    except (OSError, ElfError):
        return Linkage(names, ())
