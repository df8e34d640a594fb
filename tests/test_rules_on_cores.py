"""P8: the rules on cores, for any record: real situations are in test_conflicts_of_cores.py.

The records here are of processes that no test can make anywhere: many cores, many neighbours.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numba_ompsafe._report.conflicts import cores, node, waits
from numba_ompsafe._report.record import (
    Conflict,
    Cores,
    Counts,
    ICVs,
    Layer,
    Library,
    Neighbour,
    Report,
    Versions,
)

GNU = Library("/torch/libgomp.so.1", "openmp", "GNU", None, 2, (), True)
OTHER_GNU = replace(GNU, path="/usr/lib/libgomp.so.1")
UNLIMITED = 2**31 - 1
INTEL = replace(GNU, path="/mkl/libiomp5.so", name="Intel")


def record(
    numba: int | None = None,
    torch: int | None = None,
    machine: Cores | None = None,
    thread_limit: int = UNLIMITED,
    neighbours: Iterable[int] = (),
    libraries: tuple[Library, ...] = (GNU,),
    **environment: str,
) -> Report:
    """Return the report of a process with these counts, on these cores, under the layer omp."""
    return Report(
        pid=1,
        versions=Versions("3.12", "0.1", "0.61", "2.1"),
        layer=Layer("omp", (), "omp", "omp", False, True, None, True, None, None),
        libraries=libraries,
        icvs=(ICVs(GNU.path, 2, False, (), None, 1, thread_limit, "dynamic", "false", 0),),
        counts=Counts(numba, None, None, None, torch, GNU.path, True),
        environment=environment,
        cores=machine or Cores(64, 64, None, None),
        threads=1,
        forks="",
        neighbours=tuple(Neighbour(2 + i, "worker", n) for i, n in enumerate(neighbours)),
        conflicts=(),
    )


counts = st.none() | st.integers(1, 256)
machines = st.builds(
    lambda affinity, quota, bound: Cores(256, affinity, quota, None, bound),
    st.integers(1, 256),
    st.none() | st.floats(0.01, 300),
    st.none() | st.integers(1, 256),
)


@given(counts, counts, machines, st.integers(1, 300))
def test_p8_a_count_is_too_large_above_the_cores_rounded_up_and_severe_from_twice_on(
    numba: int | None, torch: int | None, machine: Cores, limit: int
) -> None:
    found = list(cores.more_threads_than_cores(record(numba, torch, machine, limit)))
    running = min(max(numba or 0, torch or 0), limit)
    usable = min(n for n in (machine.affinity, machine.quota, machine.bound_to) if n is not None)
    assert bool(found) == (running > math.ceil(usable) and machine.bound_to != 1)
    assert [conflict.severity == "severe" for conflict in found] == [running >= 2 * usable] * len(
        found
    )


@given(counts | st.just(2**31), counts, st.integers(1, 300) | st.just(UNLIMITED))
def test_p8_a_thread_limit_below_a_count_is_reported(
    numba: int | None, torch: int | None, limit: int
) -> None:
    found = list(cores.thread_limit(record(numba, torch, thread_limit=limit)))
    assert bool(found) == (max(numba or 0, torch or 0) > limit != UNLIMITED)


@given(st.integers(1, 64), st.lists(st.integers(1, 256), max_size=70), machines)
def test_p8_a_node_is_crowded_by_no_more_than_each_worker_as_this_one(
    own: int, neighbours: list[int], machine: Cores
) -> None:
    found = list(node.crowded_node(record(own, machine=machine, neighbours=neighbours)))
    if not neighbours or own * (1 + len(neighbours)) <= machine.usable:
        assert not found
    if neighbours and own + sum(min(n, own) for n in neighbours) > machine.usable + 1:
        assert [conflict.code for conflict in found] == ["crowded-node"]
    for conflict in found:
        each = int(conflict.remedy.split("OMP_NUM_THREADS=")[1].split()[0])
        assert each == 1 or each * (1 + len(neighbours)) <= machine.usable


def test_p8_a_node_full_of_workers_names_some_of_them() -> None:
    (conflict,) = node.crowded_node(record(64, 64, neighbours=[64] * 15))
    assert "16 processes of one launcher use 1024 threads on 64 cores" in conflict.found
    assert "this one and 2, 3, 4, 5, 6, 7, 8, 9 and 7 more" in conflict.found
    assert "OMP_NUM_THREADS=4" in conflict.remedy


def spinning(**settings: object) -> list[Conflict]:
    return list(waits.spinning_waits(record(**settings)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variable", "runtime", "value", "spins"),
    [
        ("GOMP_SPINCOUNT", GNU, "INFINITY", True),
        ("GOMP_SPINCOUNT", GNU, "100m", True),
        ("GOMP_SPINCOUNT", GNU, " 1 G", True),
        ("GOMP_SPINCOUNT", GNU, "300000", False),
        ("GOMP_SPINCOUNT", GNU, "0", False),
        ("GOMP_SPINCOUNT", GNU, "much", False),
        ("GOMP_SPINCOUNT", GNU, "1.2.3", False),
        ("GOMP_SPINCOUNT", INTEL, "infinite", False),
        ("KMP_BLOCKTIME", INTEL, "Infinite", True),
        ("KMP_BLOCKTIME", INTEL, "2147483647", True),
        ("KMP_BLOCKTIME", INTEL, "5s", True),
        ("KMP_BLOCKTIME", INTEL, "200ms", False),
        ("KMP_BLOCKTIME", INTEL, "200", False),
        ("KMP_BLOCKTIME", INTEL, "900us", False),
        ("KMP_BLOCKTIME", GNU, "infinite", False),
    ],
)
def test_p8_a_length_of_waits_is_read_as_its_runtime_reads_it(
    variable: str, runtime: Library, value: str, spins: bool
) -> None:
    assert bool(spinning(libraries=(runtime,), **{variable: value})) == spins


def test_p8_waits_that_spin_are_severe_beside_another_pool_or_process() -> None:
    active = {"OMP_WAIT_POLICY": "active"}
    assert [conflict.severity for conflict in spinning(**active)] == ["moderate"]
    for beside in ({"libraries": (GNU, OTHER_GNU)}, {"neighbours": [1]}):
        assert [conflict.severity for conflict in spinning(**beside, **active)] == ["severe"]


def test_p8_waits_of_another_process_are_told_though_its_use_of_runtimes_is_not() -> None:
    unknown, unused = replace(GNU, in_use=None), replace(GNU, in_use=False)
    assert len(spinning(libraries=(unknown,), OMP_WAIT_POLICY="active")) == 1
    assert len(spinning(libraries=(unused,), OMP_WAIT_POLICY="active")) == 0


def test_p8_waits_of_two_vendors_are_told_in_one_conflict() -> None:
    (conflict,) = spinning(
        libraries=(GNU, INTEL), OMP_WAIT_POLICY="active", KMP_BLOCKTIME="infinite"
    )
    assert conflict.found.startswith("KMP_BLOCKTIME=infinite OMP_WAIT_POLICY=active:")
    assert conflict.remedy == "unset KMP_BLOCKTIME OMP_WAIT_POLICY"


def test_p8_a_process_without_a_runtime_has_no_threads_that_spin() -> None:
    assert spinning(libraries=(), OMP_WAIT_POLICY="active") == []
