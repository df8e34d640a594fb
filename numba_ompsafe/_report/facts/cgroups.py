"""The CPU quota that cgroups set a process: what a container's ``--cpus`` or a pod's limit becomes.

No OpenMP runtime looks at it: they count the cores of the affinity mask, and the kernel stops all
threads of the group for the rest of each period once the quota is used up.

A process is in one group of each hierarchy (``/proc/PID/cgroup``), and the quotas of the group and
of all its ancestors hold. Where a hierarchy is mounted, and which of its groups is the root there,
is in ``/proc/PID/mountinfo``: in a container the root often is the container's own group.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

# PATH_MAX: no group is below so many others that to look at all takes long.
_LONGEST_PATH = 4096


class Quota(NamedTuple):
    """So many cores on average, and the file that says so, as the process sees its path."""

    cores: float
    file: str


def tightest_quota(process: Path, root: Path) -> Quota | None:
    """Return the tightest quota that holds for a process, by cgroups v1 and v2; None for none.

    Args:
        process: the process's folder in ``/proc``.
        root: the folder that is the root of the process's file system.
    """
    quotas = (_quota_of(group, root) for group in _groups(process))
    return min((quota for quota in quotas if quota), key=lambda quota: quota.cores, default=None)


def _groups(process: Path) -> Iterator[PurePosixPath]:
    """Yield the folders of the process's groups and of their ancestors, as far as it sees them."""
    own = dict(_own_groups(process))
    for kind, root, mount_point in _mounted_hierarchies(process):
        group = own.get(kind)
        # A group that is not below the root is outside of this container or mount.
        if group is None or ".." in group.parts or not group.is_relative_to(root):
            continue
        folder = mount_point / group.relative_to(root)
        yield folder
        yield from (parent for parent in folder.parents if parent.is_relative_to(mount_point))


def _own_groups(process: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield the process's group of v2, and of v1's hierarchy with the controller ``cpu``."""
    for line in _text_of(process / "cgroup").splitlines():
        hierarchy, controllers, group = (*line.split(":", 2), "", "")[:3]
        if len(group) > _LONGEST_PATH:
            continue
        if hierarchy == "0":
            yield "cgroup2", PurePosixPath(group)
        elif "cpu" in controllers.split(","):
            yield "cgroup", PurePosixPath(group)


def _mounted_hierarchies(process: Path) -> Iterator[tuple[str, PurePosixPath, PurePosixPath]]:
    """Yield for each hierarchy of these its kind, the group at its root, and the mount point."""
    for line in _text_of(process / "mountinfo").splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = (file_system + "  ").split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "cpu" in options.strip().split(",")):
            root, mount_point = (*mount.split(" "), *[""] * 5)[3:5]
            if root.startswith("/") and mount_point.startswith("/"):
                yield kind, _path(root), _path(mount_point)


def _quota_of(group: PurePosixPath, root: Path) -> Quota | None:
    folder = root / group.relative_to("/")
    # v2: "max 100000" or "150000 100000", in microseconds.
    file, words = "cpu.max", _text_of(folder / "cpu.max").split()
    if not words:  # v1: -1 for no quota
        file = "cpu.cfs_quota_us"
        words = [_text_of(folder / name).strip() for name in (file, "cpu.cfs_period_us")]
    try:
        quota, period = map(int, words)
        # The kernel's are far below.
        numbers = 0 < quota < 2**63 and 0 < period < 2**63
    except ValueError:  # none, or no such files, as in the hierarchy's own root
        return None
    return Quota(quota / period, str(group / file)) if numbers else None


def _text_of(file: Path) -> str:
    """Return what the file says; nothing where it is not there or may not be read."""
    try:
        return os.fsdecode(file.read_bytes())
    except (OSError, ValueError):  # no path has a NUL in it
        return ""


def _path(escaped: str) -> PurePosixPath:
    """Undo the octal escapes that mountinfo has for spaces and the like."""
    return PurePosixPath(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), escaped))
