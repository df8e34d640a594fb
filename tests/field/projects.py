"""Which packages are tested, and which of their tests: those that run parallel code, in minutes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Project:
    """A package of PyPI's, whose version constraints.txt beside this file says."""

    name: str
    tests: tuple[str, ...]
    """Files and options of pytest."""
    needs: tuple[str, ...] = ()
    """What the tests import beside what the package needs."""
    has_tests: bool = True
    """Whether the sdist holds tests; otherwise they are those in examples/."""


PROJECTS = (
    Project("resampy", ("tests/test_quality.py",)),
    Project("quantecon", ("quantecon/random", "quantecon/markov/tests/test_random.py")),
    Project(
        "numbagg",
        (
            "numbagg/test/test_threading_detection.py",
            "numbagg/test/test_multithreading.py",
            # One of each kind: each compiles for seconds.
            "-k=not test_multithreading or numbagg-nanmean- or numbagg-move_mean- or "
            "numbagg-group_nanmean- or numbagg-move_exp_nanmean- or numbagg-ffill- or "
            "numbagg-move_corr-",
        ),
        ("bottleneck", "hypothesis", "pandas", "tabulate"),
    ),
    Project(
        "stumpy",
        tuple(f"tests/test_{name}.py" for name in ("stump", "stumped")),
        ("distributed", "pandas", "polars"),
    ),
    Project(
        "pynndescent",
        (
            "pynndescent/tests/test_search_graph.py",
            *(
                f"pynndescent/tests/test_pynndescent_.py::test_{name}"
                for name in (
                    "nn_descent_neighbor_accuracy",
                    "deterministic",
                    "init_forest_respects_n_jobs_and_is_used_by_update",
                )
            ),
        ),
    ),
    Project("umap-learn", ("umap_learn.py",), has_tests=False),
    Project("fast_hdbscan", ("fast_hdbscan_.py",), has_tests=False),
)
