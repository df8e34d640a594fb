"""What all tests share."""

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest
from harness.cgroups import Group, NoCgroupError


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_torch: runs torch; skipped where it is not installed")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return two for each core: tests wait for threads and processes."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest first, or one worker would be left with them at the end.
    items.sort(key=_seconds_allowed, reverse=True)
    if find_spec("torch") is None:
        for item in items:
            if item.get_closest_marker("needs_torch"):
                item.add_marker(pytest.mark.skip(reason="torch is not installed"))


def _seconds_allowed(item: pytest.Item) -> float:
    """Return the limit of the test's own, 0 if it has none."""
    marker = item.get_closest_marker("timeout")
    return marker.args[0] if marker else 0


@pytest.fixture
def make_group() -> Iterator[Callable[..., Group]]:
    """Makes real cgroups, removed after the test, which is skipped where none can be made."""
    groups = []

    def make(parent: Group | None = None) -> Group:
        try:
            groups.append(Group(parent))
        except (NoCgroupError, OSError) as error:
            pytest.skip(f"no cgroup can be made: {error}")
        return groups[-1]

    yield make
    for group in reversed(groups):
        group.remove()
