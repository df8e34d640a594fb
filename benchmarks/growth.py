"""How the cost of a launch grows with its threads: instructions, counted by callgrind.

    python -m benchmarks.growth [--threads 1 2 4 8 16 32 64]

Instructions do not depend on how many cores there are, nor on what else they do: this shows the
part of the cost that is the algorithm's, over all threads together. Needs valgrind. Waiting threads
sleep, so that no spinning is counted (OMP_WAIT_POLICY=passive).

Two kernels are launched: an almost empty one, whose slots the caller runs in turn, and one that
waits for a microsecond in each iteration, which has a team of n threads on any number of cores.
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
KERNELS = ("fill", "wait")


def instructions(kernel: str, threads: int, launches: int) -> int:
    """Return how many instructions a process takes that launches a kernel so often."""
    variables = environment(OURS, Setting(threads))
    variables |= {"OMP_WAIT_POLICY": "passive", "PYTHONHASHSEED": "0"}
    with TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        program = [sys.executable, "-m", "benchmarks.growth", "--launch", kernel, str(launches)]
        err = subprocess.run(
            [*command, *program],
            env=variables,
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    return int(re.findall(r"Collected : (\d+)", err)[-1])


def launch(kernel: str, times: int) -> None:
    import numpy as np

    from benchmarks.rows import _kernels

    out = np.zeros(_kernels.SMALL)
    {"fill": _kernels.fill_again, "wait": _kernels.wait_again}[kernel](out, times)
    _kernels.check_filled(out)


def per_launch(kernel: str, threads: int) -> float:
    few, many = (instructions(kernel, threads, launches) for launches in LAUNCHES)
    return (many - few) / (LAUNCHES[1] - LAUNCHES[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--launch", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch is not None:
        launch(options.launch[0], int(options.launch[1]))
        return
    for kernel in KERNELS:
        instructions(kernel, options.threads[0], 1)  # compiles for the processor valgrind shows
    print(f"threads  {'in turn':>10}  {'team of n':>10}   instructions per launch")
    for threads in tqdm(options.threads, unit="count", leave=False):
        cells = "  ".join(f"{per_launch(kernel, threads):>10,.0f}" for kernel in KERNELS)
        tqdm.write(f"{threads:>7}  {cells}")


if __name__ == "__main__":
    main()
