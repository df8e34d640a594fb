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
        tuple(
            f"numbagg/test/test_{name}.py"
            for name in ("multithreading", "threading_detection", "matrix_functions")
        ),
        ("bottleneck", "hypothesis", "pandas", "tabulate"),
    ),
    Project(
        "stumpy",
        tuple(f"tests/test_{name}.py" for name in ("stump", "mstump", "stumped")),
        ("distributed", "pandas", "polars"),
    ),
    Project(
        "pynndescent",
        (
            "pynndescent/tests/test_search_graph.py",
            "pynndescent/tests/test_hub_search_tree.py",
            *(
                f"pynndescent/tests/test_pynndescent_.py::test_{name}"
                for name in (
                    "nn_descent_neighbor_accuracy",
                    "nn_descent_query_accuracy",
                    "deterministic",
                    "random_state_none",
                    "init_forest_respects_n_jobs_and_is_used_by_update",
                )
            ),
        ),
    ),
    Project("umap-learn", ("umap_learn.py",), has_tests=False),
    Project("fast_hdbscan", ("fast_hdbscan_.py",), has_tests=False),
)
