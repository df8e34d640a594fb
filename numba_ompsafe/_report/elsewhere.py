"""The report of another process: what ``/proc`` tells of it. The process does not notice.

``/proc`` has its libraries, threads, cores and the environment that it was started with. What a
program said in code (``torch.set_num_threads``, ``numba.set_num_threads``) and the ICVs are in its
memory, and are not told: the counts here are those that its variables ask for, or else one thread
for each core that it may use.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import Distribution

from numba_ompsafe._report import conflicts
from numba_ompsafe._report.facts import cores, environment, mapped, neighbours, proc
from numba_ompsafe._report.facts.layer import first_launched, start_up_file_of
from numba_ompsafe._report.record import Cores, Counts, Layer, Library, Report, Versions

# Each of Numba's layers is an extension module, loaded when the layer is launched.
_LAYERS = {"tbbpool": "tbb", "omppool": "omp", "workqueue": "workqueue"}
_IS_LAYER = re.compile(rf"/numba/np/ufunc/({'|'.join(_LAYERS)})\.")
_IS_PYTHON = re.compile(r"/(?:lib)?python(3\.\d{1,4})")


class UnreadableProcessError(ValueError):
    """A process of which no report can be made; the message says why."""


class _Python:
    """What ``/proc`` says of a process that runs Python."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.threads = len(proc.threads(pid))
        self.environ = proc.variables(pid)
        self.files = mapped.files(pid)
        program = os.readlink(proc.folder(pid) / "exe")
        versions = filter(None, map(_IS_PYTHON.search, (program, *self.files)))
        version = next(versions, None)
        if version is None:
            raise UnreadableProcessError(f"process {pid} runs no Python, but {program}")
        self.python: str = version[1]

    def has(self, part: str) -> bool:
        """Whether a file is mapped that has ``part`` in its path."""
        return any(part in file for file in self.files)

    def packages(self) -> tuple[str, ...]:
        """Return the folders, ``site-packages`` and the like, that something was loaded from."""
        folders = (re.match(r".*?/(?:site|dist)-packages(?=/)", file) for file in self.files)
        return tuple(dict.fromkeys(folder[0] for folder in folders if folder))

    def version(self, package: str) -> str | None:
        """Return the version of a package that is installed in one of :meth:`packages`."""
        folders = [str(proc.seen_from_here(self.pid, folder)) for folder in self.packages()]
        found = Distribution.discover(name=package, path=folders)
        try:
            return next((distribution.version for distribution in found), None)
        except Exception:  # of an installation that was broken off, as this Python's library has it
            return None


def report(pid: int) -> Report:
    """Return the report of the process ``pid``.

    Raises:
        UnreadableProcessError: there is no such process, it may not be looked at, or it runs no
            Python.
    """
    try:
        found = _found(pid)
    except (FileNotFoundError, ProcessLookupError):
        if proc.folder(pid).exists():
            raise UnreadableProcessError(
                f"process {pid} has no program: it is a thread of the kernel's, or it has ended "
                "and its parent has not asked for its exit status yet"
            ) from None
        raise UnreadableProcessError(
            f"there is no process {pid}, or it has just ended; pgrep -af python lists those that "
            "run Python"
        ) from None
    except PermissionError:
        raise UnreadableProcessError(
            f"process {pid} may not be looked at; {_way_to_look()}"
        ) from None
    return replace(found, conflicts=conflicts.find(found))


def _way_to_look() -> str:
    """Return what to try. Root of a container has less than all rights."""
    if os.geteuid() == 0:
        return (
            "root has not the right to here: run this command on the host, or in a container with "
            "CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE)"
        )
    return "run this command as its user, or as root (sudo)"


def _found(pid: int) -> Report:
    process = _Python(pid)
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
        from_outside=True,
    )


def _versions(process: _Python) -> Versions:
    return Versions(
        python=process.python,
        numba_ompsafe=process.version("numba-ompsafe"),
        numba=_version_if(any(map(mapped.is_numba, process.files)), process.version("numba")),
        torch=_version_if(any(map(mapped.is_torch, process.files)), process.version("torch")),
    )


def _version_if(loaded: bool, version: str | None) -> str | None:
    return (version or "of an unknown version") if loaded else None


def _layer(process: _Python) -> Layer:
    numbas = (_IS_LAYER.search(file) for file in process.files)
    running = next((_LAYERS[layer[1]] for layer in numbas if layer), None)
    ompsafe = _name_of_ompsafe(process) if running is None else None
    requested, priority = environment.layer(process.environ)
    as_omp = process.environ.get("NUMBA_OMPSAFE_AS_OMP") == "1"
    expected = "ompsafe" if ompsafe else running or first_launched(requested, priority, as_omp)
    major, minor = map(int, process.python.split("."))
    start_up_file = start_up_file_of((major, minor))
    files = (f"{folder}/{start_up_file}" for folder in process.packages())
    return Layer(
        requested=requested,
        priority=priority,
        running=running or ompsafe,
        expected=expected,
        is_ompsafe=ompsafe is not None,
        registered=None,
        start_up_file=next(
            (file for file in files if proc.seen_from_here(process.pid, file).exists()), None
        ),
        start_up_file_ran=None,
        runtime=None,
        first_launch=None,
    )


def _name_of_ompsafe(process: _Python) -> str | None:
    """Return the name under which ompsafe runs, as far as can be concluded; None if it does not.

    That it is loaded says little: a report and ``numba_ompsafe.threads`` load it, under any layer.
    It also needs a runtime, and to be what the variables ask for.
    """
    if process.has("/numba_ompsafe/_core.") and any(map(mapped.is_openmp_runtime, process.files)):
        return environment.layer_name_of_ompsafe(process.environ)
    return None


def _counts(
    versions: Versions,
    layer: Layer,
    libraries: tuple[Library, ...],
    available: Cores,
    environ: Mapping[str, str],
) -> Counts:
    """Return the counts that the variables ask for, or one thread per core if they ask for none.

    Of ``OMP_NUM_THREADS`` Numba takes no more than it has cores, and neither does torch where it
    has MKL, which says how many threads torch starts with.
    """
    numba, openmp = environment.numba_count(environ), environment.openmp_count(environ)
    if openmp is not None:
        openmp = min(openmp, available.affinity)
    follows = numba is None and layer.is_ompsafe
    count = openmp if follows else numba
    rule = "OMP_NUM_THREADS" if follows else "NUMBA_NUM_THREADS"
    if environment.largest_count(environ, versions.numba is not None) is None:
        count = openmp = available.affinity
        rule = "the cores of its affinity mask"
    numba_told = versions.numba is not None and count is not None
    return Counts(
        numba=count if numba_told else None,
        numba_rule=rule if numba_told else None,
        numba_mask=None,
        numba_limit=(numba or available.affinity) if versions.numba else None,
        torch=openmp if versions.torch else None,
        torch_runtime=mapped.runtime_of_torch(libraries),
        torch_has_openmp=None,
    )
