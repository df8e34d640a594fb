"""The cores of the machine that the tests run on."""

import os

import pytest

CORES = sorted(os.sched_getaffinity(0))
needs_two_cores = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
