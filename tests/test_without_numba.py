"""The extension by itself, launched by many Python threads at once: with the GIL, or without it.

A Python without the GIL needs nothing but pytest for this.
"""

from harness.c_libraries import built
from harness.processes import results_of


def test_p5_launches_of_many_threads_at_once_are_right() -> None:
    results = results_of(
        f"""
        from functools import partial
        import c_kernels
        launcher = c_kernels.Launcher({str(built("kernel"))!r})
        results["faults"] = c_kernels.at_once(
            [partial(launcher.launches, 1 + i % 8, 50, i % 3) for i in range(12)]
        )
        """,
        {"OMP_NUM_THREADS": "4"},
    )
    assert results["faults"] == [0] * 12


def test_p6_forks_beside_launches_of_other_threads() -> None:
    results = results_of(
        f"""
        from functools import partial
        import c_kernels
        launcher = c_kernels.Launcher({str(built("kernel"))!r})
        results["failed"] = c_kernels.at_once(
            [partial(launcher.launches, 3, 50) for _ in range(3)]
            + [partial(c_kernels.forks, launcher, 10)]
        )
        """,
        {"OMP_NUM_THREADS": "4"},
        options=("-Wignore::DeprecationWarning",),  # of a fork beside threads
    )
    assert results["failed"] == [0] * 4


def test_the_extension_does_not_bring_the_gil_back() -> None:
    results = results_of(
        """
        import sys
        gil = getattr(sys, "_is_gil_enabled", lambda: True)
        before = gil()
        import numba_ompsafe._core
        results["unchanged"] = gil() == before
        """
    )
    assert results["unchanged"]
