"""What worker processes make of the threads that their launcher meant, layers side by side.

    python -m benchmarks.launchers [--rounds N] [--layers ompsafe omp ...]

Runs the examples for torchrun and dask, two workers each, under each layer in turn, several times,
and prints medians: threads seen at work over all workers, and images per second.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

from tqdm import tqdm

EXAMPLES = Path(__file__).parents[1] / "examples"
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
COMMANDS = {
    "torchrun": [*TORCHRUN, str(EXAMPLES / "torchrun_training.py"), "--epochs", "10"],
    "dask": [str(EXAMPLES / "dask_augmentation.py"), "--epochs", "20"],
}


def run(launcher: str, layer: str) -> tuple[int, float]:
    """Return (threads at work over all workers, images per second)."""
    environment = os.environ | {"NUMBA_THREADING_LAYER": layer}
    out = subprocess.run(
        [sys.executable, *COMMANDS[launcher]],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    threads = re.findall(r"workers +threads at work (\d+)", out)[0]
    rate = re.findall(r"([\d,]+) images per second", out)[0]
    return int(threads), float(rate.replace(",", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, choices=range(1, 101), default=3, metavar="N")
    parser.add_argument("--layers", nargs="+", default=["ompsafe", "omp"], metavar="LAYER")
    options = parser.parse_args()

    runs = [
        (launcher, layer)
        for _ in range(options.rounds)
        for launcher in COMMANDS
        for layer in options.layers
    ]
    results: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for launcher, layer in tqdm(runs, unit="run"):
        results.setdefault((launcher, layer), []).append(run(launcher, layer))

    print(f"{'launcher':<10} {'layer':<10} {'threads at work':>15} {'images/s':>10}   of each run")
    for (launcher, layer), measured in results.items():
        threads, rates = zip(*measured, strict=True)
        each = ", ".join(f"{rate:,.0f}" for rate in rates)
        print(
            f"{launcher:<10} {layer:<10} {median(threads):>15.0f} {median(rates):>10,.0f}   {each}"
        )


if __name__ == "__main__":
    main()
