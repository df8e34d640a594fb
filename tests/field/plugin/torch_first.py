"""A plugin of pytest: torch comes first, and each test's outcome is in a file before the next.

A test that ends the process leaves a beginning without an end. With tests in that file already,
a run goes on after them.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import torch

torch.ones(2_000_000).exp_()  # in parallel: the pool is there

import numba  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

RECORDS = Path(os.environ["FIELD_RECORDS"])


@numba.njit(parallel=True)
def double(values: np.ndarray) -> None:
    for i in numba.prange(len(values)):
        values[i] *= 2


# Before a package is imported, which may select another layer.
double(np.ones(1_000))


def write(record: dict[str, str]) -> None:
    with RECORDS.open("a") as file:
        file.write(json.dumps(record) + "\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    had = {json.loads(line).get("test") for line in RECORDS.read_text().splitlines()}
    items[:] = [item for item in items if item.nodeid not in had]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    write({"test": item.nodeid, "outcome": "began"})
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message.splitlines()[0] if crash else ""
        write({"test": report.nodeid, "outcome": report.outcome, "why": why})


def pytest_sessionfinish() -> None:
    write({"layer": numba.threading_layer()})
