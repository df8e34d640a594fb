"""How the cost of a launch grows with its threads: instructions, counted by callgrind.

    python -m benchmarks.growth [--threads 1 2 4 8 16 32 64]

Instructions do not depend on how many cores there are, nor on what else they do: this shows the
part of the cost that is the algorithm's, over all threads together. Needs valgrind. Waiting threads
sleep, so that no spinning is counted (OMP_WAIT_POLICY=passive).

An almost empty kernel is launched, whose slots the caller runs in turn: by itself, and in each of
as many iterations as there are threads, where nobody is free to help.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from benchmarks.figures import Setting
from benchmarks.layers import OURS, environment

LAUNCHES = (1_000, 4_000)  # the difference leaves out what comes before the first
KINDS = ("in turn", "nested")


def instructions(kind: str, threads: int, launches: int) -> int:
    """Return how many instructions a process takes that launches so often, on each thread."""
    variables = environment(OURS, Setting(threads))
    variables |= {"OMP_WAIT_POLICY": "passive", "PYTHONHASHSEED": "0"}
    with TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        program = [sys.executable, "-m", "benchmarks.growth", "--launch", kind, str(launches)]
        err = subprocess.run(
            [*command, *program],
            env=variables,
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    return int(re.findall(r"Collected : (\d+)", err)[-1])


def launch(kind: str, times: int) -> None:
    import numba
    import numpy as np

    from benchmarks.rows import _kernels

    outs = np.zeros((numba.get_num_threads(), _kernels.SMALL))
    _kernels.fill_again(outs[0], 1)
    if kind == "nested":
        _kernels.fill_inside(outs, times)
    else:
        _kernels.fill_again(outs[0], times)
    _kernels.check_filled(outs[0])


def per_launch(kind: str, threads: int) -> float:
    few, many = (instructions(kind, threads, launches) for launches in LAUNCHES)
    at_once = threads if kind == "nested" else 1
    return (many - few) / (LAUNCHES[1] - LAUNCHES[0]) / at_once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--launch", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch is not None:
        launch(options.launch[0], int(options.launch[1]))
        return
    for kind in KINDS:
        instructions(kind, options.threads[0], 1)  # compiles for the processor valgrind shows
    print(f"threads  {'  '.join(f'{kind:>10}' for kind in KINDS)}   instructions per launch")
    for threads in tqdm(options.threads, unit="count", leave=False):
        cells = "  ".join(f"{per_launch(kind, threads):>10,.0f}" for kind in KINDS)
        tqdm.write(f"{threads:>7}  {cells}")


if __name__ == "__main__":
    main()
