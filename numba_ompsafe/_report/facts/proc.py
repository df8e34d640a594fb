"""What ``/proc`` tells of any process: its variables, its files, the cores of its threads.

All functions raise ``OSError`` where the process has ended or may not be looked at.
"""

import os
from contextlib import suppress
from pathlib import Path

# Where it is mounted.
PROC = Path("/proc")


def folder(pid: int) -> Path:
    """Return the process's folder."""
    return PROC / str(pid)


def text(pid: int, file: str) -> str:
    """Return what a file in the process's folder says; undecodable bytes as Python's paths do."""
    return os.fsdecode((folder(pid) / file).read_bytes())


def variables(pid: int) -> dict[str, str]:
    """Return the environment that the process was started with."""
    entries = (entry.partition("=") for entry in text(pid, "environ").split("\0"))
    return {name: value for name, is_one, value in entries if is_one}


def mapped_files(pid: int) -> list[str]:
    """Return the paths of the files that the process has mapped, as it sees them, sorted."""
    rows = (line.split(maxsplit=5) for line in text(pid, "maps").splitlines())
    paths = {row[5].removesuffix(" (deleted)") for row in rows if len(row) == 6}
    return sorted(path for path in paths if path.startswith("/"))


def seen_from_here(pid: int, path: str) -> Path:
    """Return where a file of the process's is; in a container it has another root than this one."""
    return Path(f"{folder(pid)}/root{path}")


def threads(pid: int) -> list[int]:
    """Return the ids of the process's threads."""
    return [int(name) for name in os.listdir(folder(pid) / "task")]


def cores_of_all_threads(pid: int) -> set[int]:
    """Return the cores that some thread may run on. A runtime may have bound each to one of them.

    A thread that ends meanwhile is left out, but for the main thread.
    """
    cores = os.sched_getaffinity(pid)
    for thread in threads(pid):
        with suppress(ProcessLookupError):
            cores |= os.sched_getaffinity(thread)
    return cores
