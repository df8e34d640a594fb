"""The worker processes beside this one: what the same launcher started, that wants the same cores.

Workers of one launcher run one program. They are known by a common parent and user and by one
command line but for its numbers (ranks, ports, descriptors): so it is under torchrun, mpirun and
srun, with joblib's and dask's workers, and under each start method of multiprocessing. Where a
wrapper starts each worker, as a shell script does, the wrappers have all that in common.

So these are none: other jobs on the machine, other programs of a shell or of a pipeline, processes
that two workers have started themselves, and the kernels of a notebook server, which have random
names on their command lines and which a person uses in turns.

Only ``/proc`` is read. A process that ends meanwhile, or that may not be looked at, is left out.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from numba_ompsafe._report.facts import environment, mapped, proc
from numba_ompsafe._report.record import Neighbour


def find(pid: int | None = None) -> tuple[Neighbour, ...]:
    """Return the workers beside a process with an OpenMP runtime loaded and a core in common.

    Args:
        pid: the process, None for this one. A process that cannot be read has no neighbours.
    """
    try:
        own = _Process.read(os.getpid() if pid is None else pid)
        mask = os.sched_getaffinity(own.pid)
        likes = list(_alike(own))
    except (OSError, ValueError):
        return ()
    found = []
    for process in likes:
        try:
            files = proc.mapped_files(process.pid)
            shares_cores = mask & os.sched_getaffinity(process.pid)
            if shares_cores and any(map(mapped.is_openmp_runtime, files)):
                count = _count(process.pid, has_numba=any(map(mapped.is_numba, files)))
                found.append(Neighbour(process.pid, process.command, count))
        except OSError:  # it has ended, or may not be looked at
            continue
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Process:
    """What tells whether two processes are workers of one launcher."""

    pid: int
    parent: int
    user: int
    command: str

    @classmethod
    def read(cls, pid: int) -> "_Process":
        return cls(
            pid=pid,
            parent=_parent(pid),
            user=os.stat(proc.folder(pid)).st_uid,
            command=proc.text(pid, "cmdline").rstrip("\0").replace("\0", " "),
        )

    def is_like(self, other: "_Process") -> bool:
        """Whether the two have a user and, but for numbers, a command line in common."""
        return self.user == other.user and _without_numbers(self) == _without_numbers(other)


def _alike(own: _Process) -> Iterator[_Process]:
    """Yield the workers beside one. The command lines are read of few processes."""
    parents = dict(_parents())
    launchers = {own.parent, *_wrappers_like(own, parents)}
    for pid, parent in parents.items():
        if parent in launchers and pid != own.pid:
            process = _try_to_read(pid)
            if process and process.is_like(own):
                yield process


def _wrappers_like(own: _Process, parents: dict[int, int]) -> Iterator[int]:
    """Yield the processes beside the parent that are like it, if it is a wrapper.

    It is one if it runs another program. Two workers that run one program, Python, and start
    processes themselves are no wrappers of these.
    """
    wrapper = _try_to_read(own.parent)
    if wrapper is None or _program(wrapper.pid) == _program(own.pid):
        return
    for pid, parent in parents.items():
        if parent == wrapper.parent and pid != wrapper.pid:
            process = _try_to_read(pid)
            if process and process.is_like(wrapper):
                yield pid


def _parents() -> Iterator[tuple[int, int]]:
    """Yield each process that can be seen, and its parent."""
    for name in os.listdir(proc.PROC):
        if name.isdigit():
            try:
                yield int(name), _parent(int(name))
            except OSError:
                continue


def _try_to_read(pid: int) -> _Process | None:
    try:
        return _Process.read(pid)
    except OSError:
        return None


def _parent(pid: int) -> int:
    # The second field, the program's name in parentheses, may hold anything.
    fields = proc.text(pid, "stat").rpartition(")")[2].split()
    try:
        return int(fields[1])
    except (IndexError, ValueError):
        raise ProcessLookupError(f"process {pid} has no parent") from None


def _without_numbers(process: _Process) -> str:
    return re.sub(r"\d+", "", process.command)


def _program(pid: int) -> str | None:
    try:
        return os.readlink(proc.folder(pid) / "exe")
    except OSError:
        return None


def _count(pid: int, has_numba: bool) -> int:
    """Return how many threads a process would use by its variables, or has cores for.

    What it says in code is not known to others.
    """
    said = environment.largest_count(proc.variables(pid), has_numba)
    return said or len(proc.cores_of_all_threads(pid))
