"""The cores that a process may use: affinity, what OpenMP binds threads to, and cgroup quotas.

cgroups v1 or v2, whichever this machine has, are real. The other one, and containers of both, are
recorded trees.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.cgroups import Group
from harness.cores import CORES, needs_two_cores
from harness.processes import run_python

from numba_ompsafe._report.facts.cgroups import Quota, tightest_quota

FIRST = CORES[0]
RUNTIMES = ("libgomp.so.1", "libomp.so.5")

FIND = """
import ctypes, dataclasses, json
from numba_ompsafe._report.facts import cores
runtimes = [ctypes.CDLL(name) for name in {runtimes!r}]
print(json.dumps(dataclasses.asdict(cores.find())))
"""


def find(
    before: str = "", env: dict[str, str] | None = None, runtimes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the cores of a process that runs ``before`` and then loads the runtimes."""
    found: dict[str, Any] = run_python(before + FIND.format(runtimes=runtimes), env, layer=None)
    return found


def test_a_process_without_limits_has_the_cores_of_the_affinity_mask() -> None:
    found = find()
    assert found["online"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert found["affinity"] == len(CORES)


@needs_two_cores
def test_an_affinity_mask_limits_the_process() -> None:
    assert find(f"import os; os.sched_setaffinity(0, {{{FIRST}}})\n")["affinity"] == 1


@needs_two_cores
def test_an_affinity_mask_of_another_thread_does_not() -> None:
    code = f"""
import os
from concurrent.futures import ThreadPoolExecutor
thread = ThreadPoolExecutor(1)
thread.submit(os.sched_setaffinity, 0, [{FIRST}]).result()
def on_thread(print=print):
    exec('''{FIND.format(runtimes=())}''')
thread.submit(on_thread).result()
"""
    assert run_python(code, layer=None)["affinity"] == len(CORES)


@needs_two_cores
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("env", "bound_to", "first_place"),
    [
        ({"GOMP_CPU_AFFINITY": str(FIRST)}, 1, 1),
        ({"OMP_PROC_BIND": "true", "OMP_PLACES": f"{{{FIRST}}}"}, 1, 1),
        ({"OMP_PLACES": f"{{{FIRST}}}"}, 1, 1),
        ({"OMP_PROC_BIND": "close", "OMP_PLACES": "threads"}, len(CORES), 1),
        ({"OMP_PROC_BIND": "false"}, None, None),
        ({}, None, None),
    ],
    ids=str,
)
def test_what_openmp_binds_its_threads_to_is_told_apart_from_the_affinity_mask(
    env: dict[str, str], bound_to: int | None, first_place: int | None, runtime: str
) -> None:
    # The runtime narrows the mask of the main thread.
    found = find(env=env, runtimes=(runtime,))
    assert found["affinity"] == len(CORES)
    assert (found["bound_to"], found["first_place"]) == (bound_to, first_place)


@needs_two_cores
def test_a_runtime_that_comes_second_does_not_hide_the_cores_that_the_first_found() -> None:
    env = {"OMP_PROC_BIND": "true", "OMP_PLACES": "threads"}
    for runtimes in (RUNTIMES, RUNTIMES[::-1]):
        found = find(env=env, runtimes=runtimes)
        assert (found["affinity"], found["bound_to"]) == (len(CORES), len(CORES))


def test_a_quota_of_the_process_s_own_cgroup(make_group: Callable[..., Group]) -> None:
    group = make_group()
    group.set_quota(0.75)
    found = find(group.enter)
    assert (found["quota"], found["quota_file"]) == (0.75, str(group.quota_file))


def test_the_tightest_quota_of_all_ancestors_holds(make_group: Callable[..., Group]) -> None:
    outer = make_group()
    outer.set_quota(0.5)
    middle = make_group(outer)
    inner = make_group(middle)
    found = find(inner.enter)
    assert (found["quota"], found["quota_file"]) == (0.5, str(outer.quota_file))
    middle.set_quota(0.25)
    assert find(inner.enter)["quota_file"] == str(middle.quota_file)


def test_a_quota_of_another_process(make_group: Callable[..., Group]) -> None:
    group = make_group()
    group.set_quota(0.75)
    code = """
import json, subprocess, sys
from numba_ompsafe._report.facts import cores
with subprocess.Popen(
    [sys.executable, "-c", %r], stdin=subprocess.PIPE, stdout=subprocess.PIPE
) as process:
    process.stdout.readline()
    print(json.dumps([cores.find(process.pid).quota, cores.find().quota]))
    process.communicate(b"end")
"""
    other = group.enter + "print(flush=True); input()"
    of_other, own = run_python(code % other, layer=None)
    assert (of_other, own != 0.75) == (0.75, True)


class Tree:
    """A recorded process and its file system, below one folder."""

    def __init__(self, folder: Path, cgroup: str, mounts: str) -> None:
        self.root = folder
        self.process = folder / "proc" / "1"
        self.write("proc/1/cgroup", cgroup)
        self.write("proc/1/mountinfo", mounts)

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def quota(self) -> Quota | None:
        return tightest_quota(self.process, self.root)


V2 = "29 23 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 32 0:30 {root} /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct"


def test_v2_a_service_of_systemd(tmp_path: Path) -> None:
    tree = Tree(tmp_path, "0::/system.slice/train.service", V2.format(root="/"))
    tree.write("sys/fs/cgroup/system.slice/train.service/cpu.max", "max 100000")
    tree.write("sys/fs/cgroup/system.slice/cpu.max", "max 100000")
    assert tree.quota() is None
    tree.write("sys/fs/cgroup/system.slice/cpu.max", "250000 100000")
    assert tree.quota() == Quota(2.5, "/sys/fs/cgroup/system.slice/cpu.max")
    tree.write("sys/fs/cgroup/system.slice/train.service/cpu.max", "75000 50000")
    assert tree.quota() == Quota(1.5, "/sys/fs/cgroup/system.slice/train.service/cpu.max")


def test_v2_a_container_with_a_cgroup_namespace(tmp_path: Path) -> None:
    tree = Tree(tmp_path, "0::/", V2.format(root="/"))
    tree.write("sys/fs/cgroup/cpu.max", "400000 100000")
    assert tree.quota() == Quota(4, "/sys/fs/cgroup/cpu.max")


@pytest.mark.parametrize(("root", "group"), [("/docker/1f", "/docker/1f"), ("/", "/docker/1f")])
def test_v1_a_container_without_a_cgroup_namespace(root: str, group: str, tmp_path: Path) -> None:
    tree = Tree(
        tmp_path,
        f"12:cpuset:{group}\n4:cpu,cpuacct:{group}\n1:name=systemd:{group}\n0::/x",
        V1.format(root=root) + "\n" + V1.format(root=root).replace("cpu,cpuacct", "cpuset"),
    )
    folder = "sys/fs/cgroup/cpu,cpuacct" + ("" if root == group else group)
    tree.write(f"{folder}/cpu.cfs_quota_us", "-1")
    tree.write(f"{folder}/cpu.cfs_period_us", "100000")
    assert tree.quota() is None
    tree.write(f"{folder}/cpu.cfs_quota_us", "150000")
    assert tree.quota() == Quota(1.5, f"/{folder}/cpu.cfs_quota_us")


def test_a_mount_point_with_a_space_in_its_name(tmp_path: Path) -> None:
    mount = V2.format(root="/").replace("/sys/fs/cgroup", r"/my\040cgroups")
    tree = Tree(tmp_path, "0::/a:b", mount)
    tree.write("my cgroups/a:b/cpu.max", "50000 100000")
    assert tree.quota() == Quota(0.5, "/my cgroups/a:b/cpu.max")


@pytest.mark.parametrize(("root", "group"), [("/docker/1f", "/docker/2f"), ("/", "/../other")])
def test_a_group_that_the_mount_does_not_show_tells_nothing(
    root: str, group: str, tmp_path: Path
) -> None:
    tree = Tree(tmp_path, f"0::{group}", V2.format(root=root))
    tree.write("sys/fs/cgroup/cpu.max", "50000 100000")
    assert tree.quota() is None


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3", "0 100000", "100000 0"])
def test_a_file_that_says_nothing_sensible_sets_no_quota(text: str, tmp_path: Path) -> None:
    tree = Tree(tmp_path, "0::/", V2.format(root="/"))
    tree.write("sys/fs/cgroup/cpu.max", text)
    assert tree.quota() is None


def test_a_system_without_cgroups_has_no_quota(tmp_path: Path) -> None:
    assert tightest_quota(tmp_path, tmp_path) is None
