"""A picture of each row: the cases from left to right, a bar for each layer."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks import rows
from benchmarks.figures import LIMIT, about
from benchmarks.results import Results
from benchmarks.table import UNITS, median_of

COLORS = {
    "ompsafe": "#1a6faf",
    "omp": "#e08a2b",
    "tbb": "#7a9e3f",
    "workqueue": "#b05a7a",
    LIMIT: "#999999",
}


def write(results: Results, names: Sequence[str], layers: Sequence[str], folder: Path) -> None:
    """Write ``<row>.svg`` into ``folder`` for each row."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "numba-ompsafe"  # the same file for the same figures
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    columns = [*layers, LIMIT]
    for name in names:
        row = rows.load(name)
        cases = results.cases(name)
        shown = [c for c in columns if any((name, case, c) in results.values for case in cases)]
        figure, axes = plt.subplots(figsize=(max(5, 0.8 * len(cases) + 2), 3.4))
        width = 0.8 / max(len(shown), 1)
        for i, column in enumerate(shown):
            points = [
                (at + (i - (len(shown) - 1) / 2) * width, value * UNITS[row.UNIT])
                for at, case in enumerate(cases)
                if (value := median_of(results, name, case, column)) is not None
            ]
            xs, heights = zip(*points, strict=True)
            axes.bar(xs, heights, width, label=column, color=COLORS[column])
        axes.set_yscale("log")
        axes.set_xticks(range(len(cases)), cases, rotation=20, ha="right", fontsize=8)
        axes.set_ylabel(row.UNIT.replace("us", "µs"))
        axes.set_title(about(row), fontsize=10)
        axes.legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)
