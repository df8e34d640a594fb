"""Makes real cgroups with a CPU quota."""

import os
import tempfile
from pathlib import Path

PERIOD = 100_000  # in microseconds


class NoCgroupError(Exception):
    """No cgroup can be made here; the message says why."""


class Group:
    """A new cgroup below another, or below the root. To be removed when its processes have ended.

    A process of the tests enters it by itself: see ``enter``.
    """

    def __init__(self, parent: "Group | None" = None) -> None:
        above = parent.folder if parent else _root()
        self.folder = Path(tempfile.mkdtemp(prefix="numba-ompsafe-test-", dir=above))
        v2 = self.folder / "cpu.max"
        self.quota_file = v2 if v2.exists() else self.folder / "cpu.cfs_quota_us"

    @property
    def enter(self) -> str:
        """Python code that puts the process into the group."""
        file = str(self.folder / "cgroup.procs")
        return f"import os, pathlib; pathlib.Path({file!r}).write_text(str(os.getpid()))\n"

    def set_quota(self, cores: float) -> None:
        quota = int(cores * PERIOD)
        if self.quota_file.name == "cpu.max":
            self.quota_file.write_text(f"{quota} {PERIOD}")
        else:
            (self.folder / "cpu.cfs_period_us").write_text(str(PERIOD))
            self.quota_file.write_text(str(quota))

    def remove(self) -> None:
        self.folder.rmdir()


def _root() -> Path:
    """Return a folder where groups can be made that have the controller ``cpu``."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        folder = Path(mount.split(" ")[4])
        if (kind == "cgroup" and "cpu" in options.split(",")) or (
            kind == "cgroup2" and "cpu" in (folder / "cgroup.subtree_control").read_text().split()
        ):
            if os.access(folder, os.W_OK):
                return folder
            raise NoCgroupError(f"{folder} may not be written (not root, or mounted read-only)")
    raise NoCgroupError("no hierarchy of cgroups has the controller cpu")
