"""The report of another process: what ``/proc`` tells of it. The process does not notice.

``/proc`` has its libraries, threads, cores and the environment that it was started with. What a
program said in code (``torch.set_num_threads``, ``numba.set_num_threads``) and the ICVs are in its
memory, and are not told: the counts here are those that its variables ask for.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import Distribution
from pathlib import Path

from numba_ompsafe._report import conflicts, cores, environment, mapped, neighbours
from numba_ompsafe._report.layer import first_launched
from numba_ompsafe._report.record import Cores, Counts, Layer, Library, Report, Versions

# Each of Numba's layers is an extension module, loaded when the layer is launched.
_LAYERS = {"tbbpool": "tbb", "omppool": "omp", "workqueue": "workqueue"}
_IS_LAYER = re.compile(rf"/numba/np/ufunc/({'|'.join(_LAYERS)})\.")
_IS_PYTHON = re.compile(r"/(?:lib)?python(3\.\d+)")
_START_UP_FILES = ("numba_ompsafe.pth", "numba_ompsafe.start")


class UnreadableProcessError(ValueError):
    """A process of which no report can be made; the message says why."""


class _Process:
    """What ``/proc`` says of a process that runs Python."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._folder = Path(f"/proc/{pid}")
        self.threads = len(os.listdir(self._folder / "task"))
        self.environ = dict(self._variables())
        self.files = mapped.files(self._folder)
        program = os.readlink(self._folder / "exe")
        versions = filter(None, map(_IS_PYTHON.search, (program, *self.files)))
        self.python = next((version[1] for version in versions), None)
        if self.python is None:
            raise UnreadableProcessError(f"process {pid} runs no Python, but {program}")

    def _variables(self) -> Iterator[tuple[str, str]]:
        for entry in (self._folder / "environ").read_bytes().split(b"\0"):
            name, is_one, value = os.fsdecode(entry).partition("=")
            if is_one:
                yield name, value

    def seen_from_here(self, path: str) -> Path:
        """Return where a file of the process's is, which may have another root than this one."""
        return Path(f"{self._folder}/root{path}")

    def has(self, part: str) -> bool:
        """Whether a file is mapped that has ``part`` in its path."""
        return any(part in file for file in self.files)

    def packages(self) -> tuple[str, ...]:
        """Return the folders, ``site-packages`` and the like, that something was loaded from."""
        folders = (re.match(r".*?/(?:site|dist)-packages(?=/)", file) for file in self.files)
        return tuple(dict.fromkeys(folder[0] for folder in folders if folder))

    def version(self, package: str) -> str | None:
        """Return the version of a package that is installed in one of :meth:`packages`."""
        folders = [str(self.seen_from_here(folder)) for folder in self.packages()]
        found = Distribution.discover(name=package, path=folders)
        return next((distribution.version for distribution in found), None)


def report(pid: int) -> Report:
    """Return the report of the process ``pid``.

    Raises:
        UnreadableProcessError: there is no such process, it belongs to somebody else, or it runs no
            Python.
    """
    try:
        found = _found(pid)
    except (FileNotFoundError, ProcessLookupError):
        raise UnreadableProcessError(
            f"there is no process {pid}, or it has just ended; pgrep -af python lists those that "
            "run Python"
        ) from None
    except PermissionError:
        raise UnreadableProcessError(
            f"process {pid} belongs to somebody else; run this command as its user or as root"
        ) from None
    return replace(found, conflicts=conflicts.find(found))


def _found(pid: int) -> Report:
    process = _Process(pid)
    versions, layer, available = _versions(process), _layer(process), cores.find(pid)
    libraries = mapped.libraries(process.files)
    return Report(
        pid=pid,
        versions=versions,
        layer=layer,
        libraries=libraries,
        icvs=(),
        counts=_counts(versions, layer, libraries, available, process.environ),
        environment=environment.variables(process.environ),
        cores=available,
        threads=process.threads,
        forks=None,
        neighbours=neighbours.find(pid),
        conflicts=(),
    )


def _versions(process: _Process) -> Versions:
    return Versions(
        python=process.python,
        numba_ompsafe=process.version("numba-ompsafe"),
        numba=_version_if(process.has("/numba/_helperlib."), process.version("numba")),
        torch=_version_if(process.has("/libtorch_cpu.so"), process.version("torch")),
    )


def _version_if(loaded: bool, version: str | None) -> str | None:
    return (version or "of an unknown version") if loaded else None


def _layer(process: _Process) -> Layer:
    numbas = (_IS_LAYER.search(file) for file in process.files)
    running = next((_LAYERS[layer[1]] for layer in numbas if layer), None)
    if running is None and process.has("/numba_ompsafe/_core."):
        running = "ompsafe"
    requested = process.environ.get("NUMBA_THREADING_LAYER", "").lower() or None
    priority = tuple(process.environ.get("NUMBA_THREADING_LAYER_PRIORITY", "").split())
    expected = running
    if running is None and requested is not None:
        as_omp = process.environ.get("NUMBA_OMPSAFE_AS_OMP") == "1"
        expected = first_launched(requested, priority, as_omp)
    files = (f"{folder}/{name}" for folder in process.packages() for name in _START_UP_FILES)
    return Layer(
        requested=requested,
        priority=priority,
        running=running,
        expected=expected,
        is_ompsafe=running == "ompsafe",
        registered=None,
        start_up_file=next((file for file in files if process.seen_from_here(file).exists()), None),
        start_up_file_ran=None,
        runtime=None,
        first_launch=None,
    )


def _counts(
    versions: Versions,
    layer: Layer,
    libraries: tuple[Library, ...],
    available: Cores,
    environ: Mapping[str, str],
) -> Counts:
    """Return the counts that the variables ask for; what the program says in code is not seen.

    Of ``OMP_NUM_THREADS`` Numba takes no more than it has cores, and neither does torch where it
    has MKL, which says how many threads torch starts with.
    """
    numba, openmp = environment.numba_count(environ), environment.openmp_count(environ)
    if openmp is not None:
        openmp = min(openmp, available.affinity)
    follows = numba is None and layer.is_ompsafe
    count = (openmp if follows else numba) if versions.numba else None
    rule = "OMP_NUM_THREADS" if follows else "NUMBA_NUM_THREADS"
    return Counts(
        numba=count,
        numba_rule=None if count is None else rule,
        numba_mask=None,
        numba_limit=(numba or available.affinity) if versions.numba else None,
        torch=openmp if versions.torch else None,
        torch_runtime=next(
            (library.path for library in libraries if any(map(mapped.is_torch, library.used_by))),
            None,
        ),
        torch_has_openmp=None,
    )
