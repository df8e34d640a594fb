"""Compares this layer with Numba's own: python -m differences --programs N --seed S."""

import argparse
import sys
import time
from collections import Counter
from dataclasses import replace

from differences.comparing import Comparison, Difference, broken
from differences.layers import HERE, Asked, Layer

AT_MOST = 3  # differences of a kernel that are printed


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m differences", description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000, help="(default: 20,000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (default: 0)")
    parser.add_argument("--seed", type=int, default=1, help="of all programs (default: 1)")
    parser.add_argument("--kernels", type=int, help="how many of the kernels (default: all)")
    parser.add_argument("--only", default="", help="kernels with such names: an expression")
    parser.add_argument("--program", type=int, help="run this one alone, and print it in full")
    return parser.parse_args()


def show(comparison: Comparison, number: int) -> bool:
    """Print a program and its outcomes in full; return whether they differ."""
    asked = replace(comparison.asked, numbers=(number,))
    print(Layer(HERE).show(asked))
    outcomes = comparison.alone(number)
    for name, outcome in outcomes.items():
        print(f"-- under {name}:", *sorted(outcome.found), sep="\n")
        if outcome.expected is not None:
            print(f"-- NumPy: {outcome.expected}")
    what = broken(outcomes)
    print(what or "no difference")
    return bool(what)


def report(difference: Difference) -> None:
    """Print a difference, and what runs the program again."""
    print(f"DIFFERENCE: {difference.what}: --program {difference.number}, {difference.kernel()}")
    for title, outcomes in (("", difference.first), (", alone", difference.again)):
        for name, outcome in outcomes.items():
            print(f"  {name}{title}: {'; '.join(sorted(outcome.found)[:4])[:300]}")
        if (expected := outcomes[HERE].expected) is not None:
            print(f"  NumPy: {expected[:300]}")
    sys.stdout.flush()


def main() -> int:
    asked = arguments()
    comparison = Comparison(Asked(asked.seed, asked.kernels, asked.only))
    if asked.program is not None:
        return show(comparison, asked.program)

    begin = time.monotonic()
    found: Counter[str] = Counter()
    for difference in comparison.differences(asked.programs, asked.first):
        kernel = difference.kernel()
        found[kernel] += 1
        if found[kernel] <= AT_MOST:
            report(difference)
    for kernel, times in found.items():
        print(f"{times} differences of {kernel}")
    for reason, times in comparison.seen_known.items():
        print(f"{times} known differences: {reason}")
    for what in comparison.left_out():
        print(f"has ended processes: {what}")
    for kernel, why in comparison.not_compiled.items():
        print(f"{kernel} {why}")
    seconds = time.monotonic() - begin
    print(
        f"seed {asked.seed}: {comparison.compared:,} programs compared in {seconds:.0f} s, "
        f"{comparison.not_compared:,} not compared, {found.total()} differences"
    )
    return bool(found or comparison.not_compiled)


if __name__ == "__main__":
    sys.exit(main())
