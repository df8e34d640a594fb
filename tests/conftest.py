"""What all tests share."""

import os
from importlib.util import find_spec

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # Workers of pytest-xdist inherit the controller's folder, so a kernel is compiled once.
    if "TESTS_NUMBA_CACHE_DIR" not in os.environ:
        cache = config.rootpath / "build" / "numba-cache"
        os.environ["TESTS_NUMBA_CACHE_DIR"] = str(cache)
    config.addinivalue_line("markers", "needs_torch: runs torch; skipped where it is not installed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("torch") is None:
        for item in items:
            if item.get_closest_marker("needs_torch"):
                item.add_marker(pytest.mark.skip(reason="torch is not installed"))
