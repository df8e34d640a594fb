"""Numba's threading layers side by side, in one run: medians and ratios.

python -m benchmarks [--rows launch mixed ...] [--rounds N] [--json FILE] [--plot FOLDER]
"""

import argparse
from importlib.metadata import PackageNotFoundError, version
from math import inf
from pathlib import Path

from tqdm import tqdm

from benchmarks import rows, suite, table
from benchmarks.figures import Options
from benchmarks.layers import LAYERS
from benchmarks.machine import machine
from benchmarks.results import Results


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    number = int(text.replace("_", ""))
    if number < 1:
        raise ValueError(text)
    return number


def positive_seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    number = float(text)
    if not 0 < number < inf:
        raise ValueError(text)
    return number


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--rows", nargs="+", choices=rows.NAMES, default=rows.NAMES, help="default: all"
    )
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS, help="default: all")
    parser.add_argument(
        "--rounds",
        type=positive,
        default=3,
        metavar="N",
        help="processes of each layer (default: 3)",
    )
    parser.add_argument(
        "--sizes",
        type=positive,
        nargs="+",
        default=[1_000, 10_000, 100_000, 2_000_000, 10_000_000],
        metavar="N",
        help="elements, for ufunc and gufunc (default: 1,000 to 10,000,000)",
    )
    cores = Options((), ()).cores
    parser.add_argument(
        "--threads",
        type=positive,
        nargs="+",
        default=sorted({1, 2, cores, 2 * cores}),
        metavar="N",
        help="NUMBA_NUM_THREADS, for launch and reduce; mixed has its own, and for the others "
        f"nothing is set (default: 1, 2, the cores, twice the cores; here {cores} cores)",
    )
    parser.add_argument(
        "--seconds",
        type=positive_seconds,
        default=2,
        metavar="S",
        help="to spend on each mean of neighbours (default: 2)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument(
        "--read",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="measure nothing: show what earlier runs wrote with --json, as rounds of one run",
    )
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="draw a picture of each row")
    return parser.parse_args()


def measure(asked: argparse.Namespace) -> Results:
    options = Options(tuple(asked.sizes), tuple(asked.threads), asked.seconds)
    results = Results(machine(), asked.rounds)
    with tqdm(suite.tasks(asked.rows, asked.layers, options, asked.rounds), unit="run") as runs:
        for task in runs:
            runs.set_postfix_str(f"{task.row} {task.setting.case}")
            suite.run(task, options, results)
    return results


def main() -> None:
    try:
        version("numba-ompsafe")
    except PackageNotFoundError:
        raise SystemExit("numba-ompsafe is not installed. Remedy: pip install .") from None
    asked = arguments()
    results = Results.read(asked.read) if asked.read else measure(asked)
    print("\n".join(f"{name}: {what}" for name, what in results.machine.items()), end="\n\n")
    print("\n".join(table.lines(results, asked.rows, asked.layers)))
    if asked.json:
        asked.json.write_text(results.to_json() + "\n")
    if asked.plot:
        from benchmarks import plots

        plots.write(results, asked.rows, asked.layers, asked.plot)


if __name__ == "__main__":
    main()
