"""Finds the OpenMP runtime to run on: the one that is there, before any that is not.

The order is what torch will find, or has found, so that both run in one pool:

1. what the dynamic linker's global scope offers (``LD_PRELOAD``, torch's ``RTLD_GLOBAL`` load);
2. what ``libtorch_cpu`` depends on, if it is loaded;
3. any OpenMP runtime that is loaded (launches move to torch's if a torch is loaded later that
   brings its own, see ``csrc/openmp/torch.h``);
4. torch is installed but not loaded: the one in its wheel, which a later ``import torch`` shares;
5. the system's ``libgomp``, then LLVM's and Intel's.

A runtime is known by an entry point of libgomp's documented ABI that LLVM's and Intel's runtimes
export too. Libraries are opened through the extension, which gives up the GIL for it: ``ctypes``
waits for the dynamic linker's lock with the GIL held, and whoever has the lock may want the GIL.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from numba_ompsafe.errors import OpenMPRuntimeNotFoundError

_SYSTEM_RUNTIMES = ("libgomp.so.1", "libomp.so.5", "libomp.so", "libiomp5.so")
_WHEEL_PATTERNS = ("libgomp*.so*", "libiomp5*.so*", "libomp*.so*")


@dataclass(frozen=True)
class _Candidate:
    """A place where a runtime may be: its library's handle, or why there is none."""

    place: str
    library: int | None
    reason: str = "none there"


# What bind() chose: the runtime's path as the dynamic linker knows it, and the place.
_chosen: tuple[str | None, str] | None = None


def bind() -> None:
    """Make the layer run on the first runtime that serves, loading one only if none is loaded.

    Raises:
        OpenMPRuntimeNotFoundError: there is none; the message names all that was tried.
        OSError: which ones are loaded cannot be read just now; none is loaded beside them.
    """
    from numba_ompsafe import _core

    global _chosen
    tried = []
    for candidate in _candidates():
        reason = candidate.reason
        runtime = _core.runtime_seen_by(candidate.library) if candidate.library else None
        if runtime is not None:
            try:
                _core.bind(runtime)
                _chosen = _core.runtime_path(), candidate.place
                return
            except OSError as error:
                reason = str(error)
        tried.append(f"  - {candidate.place}: {reason}")
    raise OpenMPRuntimeNotFoundError(
        "The threading layer ompsafe needs an OpenMP runtime, and this process can find none. "
        "Tried:\n" + "\n".join(tried) + "\n"
        "Install one, for example with: apt-get install libgomp1 (Debian, Ubuntu), dnf install "
        "libgomp (Fedora), conda install libgomp, or pip install intel-openmp"
    )


def why() -> str | None:
    """Return where the runtime was found that launches run on; None before :func:`bind`."""
    from numba_ompsafe import _core

    if _chosen is None:
        return None
    path, place = _chosen
    if path == _core.runtime_path():
        return place
    return f"what torch uses, which was loaded after the first launch (until then: {place})"


def _candidates() -> Iterator[_Candidate]:
    from numba_ompsafe import _core

    yield _Candidate("the global scope of the dynamic linker", _core.open_library(None, False))
    yield _Candidate("what a loaded torch depends on", loaded("libtorch_cpu.so"))
    try:
        for path in _loaded_runtimes():
            yield _Candidate(f"loaded already: {path}", loaded(path))
    except FileNotFoundError as error:  # there is no /proc
        yield _Candidate("loaded already", None, f"cannot be told: {error}")
    for file in _runtimes_in_torch_wheel():
        place = f"in torch's wheel: {file}"
        shared = loaded(file.name)
        yield _Candidate(place, shared) if shared else _load(place, str(file))
    for name in _SYSTEM_RUNTIMES:
        yield _load(f"the system's {name}", name)
    in_environment = str(Path(sys.prefix, "lib", "libiomp5.so"))
    yield _load(in_environment, in_environment)


def _loaded_runtimes() -> Iterator[str]:
    from numba_ompsafe._process import libraries

    for runtime in libraries.runtimes():
        yield runtime.filepath


def _runtimes_in_torch_wheel() -> Iterator[Path]:
    for package in _installed_torch():
        for folder in (Path(package, "lib"), Path(package).with_name("torch.libs")):
            for pattern in _WHEEL_PATTERNS:
                yield from sorted(folder.glob(pattern))


def _installed_torch() -> list[str]:
    """Return the folder of torch; none that lies in the current folder, which nobody has chosen.

    ``python -c`` and ``-m`` have that folder on their path, but here nobody imports torch.
    """
    try:
        spec = find_spec("torch")
        folders = list(spec.submodule_search_locations or []) if spec else []
        if any(_is_here(Path(folder).parent) for folder in folders):
            path = [entry for entry in sys.path if entry and not _is_here(Path(entry))]
            spec = PathFinder.find_spec("torch", path)
            folders = list(spec.submodule_search_locations or []) if spec else []
    except ValueError:  # a module that stands in for torch, as in a test suite
        return []
    return folders


def _is_here(folder: Path) -> bool:
    try:
        return folder.samefile(".")
    except OSError:  # one of the two is gone
        return False


def loaded(name: str) -> int | None:
    """Return the handle of the library of that path or SONAME if the process has it."""
    from numba_ompsafe import _core

    handle: int | None = _core.open_library(name, False)
    return handle


def _load(place: str, name: str) -> _Candidate:
    from numba_ompsafe import _core

    try:
        return _Candidate(place, _core.open_library(name, True))
    except OSError as error:
        return _Candidate(place, None, str(error))
