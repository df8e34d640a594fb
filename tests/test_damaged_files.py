"""P8: whatever a file says that a report reads, there is a report, or it is told why there is none.

The files are real ones, damaged: libraries, and what ``/proc`` says of this process. How often is
said by ``TESTS_DAMAGES``; ``nox -s fuzz_readers`` says many.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import numba_ompsafe._core
from numba_ompsafe._report import conflicts, elsewhere, page
from numba_ompsafe._report.facts import cgroups, mapped, proc, users
from numba_ompsafe._report.facts.elf import Elf, ElfError

DAMAGES = int(os.environ.get("TESTS_DAMAGES", "40"))
PROCESS = Path("/proc/self")

often = settings(
    max_examples=DAMAGES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # not on every machine
        return b""


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """Make up what becomes of the bytes: cut off, changed, with parts that are there again."""
    place = st.integers(0, len(whole))
    changes = st.lists(st.tuples(place, st.binary(min_size=1, max_size=8)), max_size=8)

    def damage(length: int, new: list[tuple[int, bytes]], again: tuple[int, int]) -> bytes:
        bytes_now = bytearray(whole)
        for at, what in new:
            bytes_now[at : at + len(what)] = what
        bytes_now[length:length] = whole[slice(*sorted(again))][:4096]
        return bytes(bytes_now[: length + 4096 * (length % 2)])

    length = st.just(len(whole)) | place
    return st.builds(damage, length, changes, st.tuples(place, place))


# A small library with all that is read of one, and the largest numbers where numbers are.
LIBRARY = bytes_of(Path(numba_ompsafe._core.__file__))
FIELDS = st.lists(
    st.tuples(
        st.integers(0, 0x400) | st.integers(0, len(LIBRARY) // 8).map((8).__mul__),
        st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xff" * 7 + b"\x7f", b"\1" + b"\0" * 7]),
    ),
    max_size=4,
)


def read_all(file: Path) -> None:
    """Read what a report reads of a library."""
    with suppress(ElfError), Elf(file) as library:
        assert library.soname is None or isinstance(library.soname, str)
        assert all(isinstance(name, str) for name in library.needed)
        assert all(name.startswith("omp_") for name in library.imports(("omp_",)))
    assert list(users.importers("omp_set_dynamic", [str(file)])) in ([], [str(file)])
    mapped._linkage(str(file), os.getpid())


@often
@given(damage=damaged(LIBRARY), fields=FIELDS)
def test_p8_a_damaged_library_is_read_or_refused(
    damage: bytes, fields: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    changed = bytearray(damage)
    for at, new in fields:
        changed[at : at + len(new)] = new
    file = tmp_path_factory.getbasetemp() / "damaged.so"
    file.write_bytes(changed)
    read_all(file)


@often
@given(
    whole=st.binary(max_size=300).map(lambda rest: LIBRARY[:64] + rest) | st.binary(max_size=100)
)
def test_p8_what_only_begins_as_a_library_is_refused(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "begins.so"
    file.write_bytes(whole)
    read_all(file)


# Lines as the kernel writes them, and as no kernel has written them yet.
LINES: dict[str, list[bytes]] = {
    "maps": [
        b"7f00-7f01 r-xp 00000000 00:00 1 /usr/lib/libgomp.so.1 (deleted)",
        b"7f00-7f01 r-xp 00000000 00:00 1 /a/\xff/libomp.so",
        b"7f00-7f01 r-xp 00000000 00:00 1 /a\0b/libgomp.so.1",
        b"7f00-7f01 r-xp 00000000 00:00 1 /" + b"n" * 5000 + b"/libgomp.so.1",
        b"7f00-7f01 r-xp 00000000 00:00 1 //anon_hugepage (deleted)",
        b"7f00-7f01 r-xp 00000000 00:00 1 /proc/self/mem",
        b"7f00-7f01 r-xp 00000000 00:00 1 /",
        b"7f00-7f01 r-xp 00000000 00:00 1 /lib/python3.9999999999999999999999/x",
        b"7f00-7f01 r-xp 00000000 00:00 1 /x/site-packages/a\\012b/libtorch_cpu.so",
        b"7f00-7f01 r-xp 00000000 00:00 1 /dev/full",
    ],
    "cgroup": [
        b"0::/..",
        b"0::relative",
        b"4:cpu",
        b"4:cpu,cpuacct:/a\0b",
        b":::",
        b"0::/" + b"x/" * 3000,
    ],
    "mountinfo": [
        b"1 2 0:3 / / rw - cgroup2 x rw",
        b"1 2 0:3 relative relative rw - cgroup2 x rw",
        b"1 2 - cgroup2",
        b"1 2 0:3 /\\777 /\\000 rw - cgroup x rw,cpu",
        b"1 2 0:3 /a\0b /a\0b rw - cgroup2 x rw",
    ],
    "environ": [
        b"OMP_NUM_THREADS=\xff\0",
        b"NUMBA_NUM_THREADS=" + b"9" * 5000 + b"\0",
        b"=\0",
        b"A\0",
    ],
    "stat": [
        b"1 (a) S",
        b"1 (a) S x",
        b"",
        b"1 (a) S " + b"9" * 5000 + b" 1",
        b"1 (\xff) b) S 99999999999 1",
    ],
    "cmdline": [b"\0\0", b"\xff\xfe\0", b"0" * 5000],
    "status": [b""],
}


# Of this process, as they are now; of the files that are mapped, enough to be read many times.
TEXTS = {name: bytes_of(PROCESS / name)[:4000] for name in LINES}


def damaged_text(name: str) -> st.SearchStrategy[bytes]:
    whole = TEXTS[name]
    by = b"\0" if name in ("environ", "cmdline") else b"\n"
    strange = st.lists(st.sampled_from(LINES[name]) | st.binary(max_size=40), max_size=3)
    return st.one_of(
        damaged(whole),
        st.builds(lambda lines, rest: by.join([*lines, rest]), strange, damaged(whole)),
        strange.map(by.join),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``/proc`` has one, of a process with this one's number."""
    made = tmp_path_factory.mktemp("proc") / str(os.getpid())
    made.mkdir()
    (made / "root").symlink_to("/")
    (made / "exe").symlink_to(sys.executable)
    (made / "task").mkdir()
    (made / "task" / str(os.getpid())).mkdir()
    return made


@pytest.fixture(autouse=True)
def no_other_proc(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(proc, "PROC", folder.parent)


@often
@given(data=st.data())
def test_p8_a_process_is_told_of_whatever_proc_says(folder: Path, data: st.DataObject) -> None:
    broken = data.draw(st.sets(st.sampled_from(sorted(LINES)), min_size=1, max_size=3))
    for name in LINES:
        file = folder / name
        if name in broken:
            file.write_bytes(data.draw(damaged_text(name), label=name))
        else:
            file.write_bytes(TEXTS[name])
    with suppress(elsewhere.UnreadableProcessError):
        report = elsewhere.report(os.getpid())
        assert page.text(report)
        assert report.to_json()
        assert conflicts.find(report) == report.conflicts


@pytest.mark.parametrize("name", ["cgroup", "mountinfo"])
@often
@given(data=st.data())
def test_p8_a_quota_is_found_or_there_is_none(folder: Path, name: str, data: st.DataObject) -> None:
    for other in ("cgroup", "mountinfo"):
        (folder / other).write_bytes(TEXTS[other])
    (folder / name).write_bytes(data.draw(damaged_text(name)))
    found = cgroups.tightest_quota(folder, Path("/"))
    assert found is None or found.cores > 0


def test_p8_a_group_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_bytes(b"0::/\xff\n")
    (tmp_path / "mountinfo").write_bytes(b"1 2 0:3 / / rw - cgroup2 x rw\n")
    group = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(group)
    Path(os.fsdecode(group), "cpu.max").write_text("150000 100000")
    found = cgroups.tightest_quota(tmp_path, tmp_path)
    assert found is not None
    assert found.cores == 1.5


QUOTAS = st.binary(max_size=20) | st.sampled_from(
    [
        *(
            b"max 100000",
            b"150000 100000",
            b"",
            b"-1",
            b"1 0",
            b"0 1",
            b"1e9 1",
            b"1 2 3",
            b"-9 -9",
        ),
        *(b"9" * 5000 + b" 1", b"1 " + b"9" * 4000, b"9" * 400 + b" 1", b"\xff", b"9" * 400),
    ]
)


@often
@given(one=QUOTAS, two=QUOTAS)
def test_p8_a_quota_of_any_kind(one: bytes, two: bytes, tmp_path_factory: Any) -> None:
    root = tmp_path_factory.getbasetemp() / "groups"
    root.mkdir(exist_ok=True)
    (root / "cgroup").write_text("0::/\n4:cpu:/\n")
    (root / "mountinfo").write_text(
        "1 2 0:3 / / rw - cgroup2 x rw\n1 2 0:3 / / rw - cgroup x rw,cpu\n"
    )
    for name, value in {"cpu.max": one, "cpu.cfs_quota_us": one, "cpu.cfs_period_us": two}.items():
        (root / name).write_bytes(value)
    found = cgroups.tightest_quota(root, root)
    assert found is None or found.cores > 0
