"""How the cost of a launch grows with its threads: instructions, counted by callgrind.

    python -m benchmarks.growth [--threads 1 2 4 8 16 32 64]

Instructions do not depend on how many cores there are, nor on what else they do: this shows the
part of the cost that is the algorithm's. Needs valgrind. Waiting threads sleep, so that no spinning
is counted (OMP_WAIT_POLICY=passive).
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

LAUNCHES = (10_000, 60_000)  # the difference leaves out what comes before the first


def instructions(threads: int, launches: int) -> int:
    """Return how many instructions a process takes that launches so often."""
    variables = environment(OURS, Setting(threads))
    variables |= {"OMP_WAIT_POLICY": "passive", "PYTHONHASHSEED": "0"}
    with TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        program = [sys.executable, "-m", "benchmarks.growth", "--launch", str(launches)]
        err = subprocess.run(
            [*command, *program],
            env=variables,
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
    return int(re.findall(r"Collected : (\d+)", err)[-1])


def launch(times: int) -> None:
    import numpy as np

    from benchmarks.rows._kernels import SMALL, check_filled, fill_again

    out = np.zeros(SMALL)
    fill_again(out, times)
    check_filled(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--launch", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.launch is not None:
        launch(options.launch)
        return
    instructions(options.threads[0], 1)  # compiles for the processor that valgrind shows
    print("threads  instructions per launch")
    for threads in tqdm(options.threads, unit="count", leave=False):
        few, many = (instructions(threads, launches) for launches in LAUNCHES)
        tqdm.write(f"{threads:>7}  {(many - few) / (LAUNCHES[1] - LAUNCHES[0]):,.0f}")


if __name__ == "__main__":
    main()
