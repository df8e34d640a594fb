"""Runs random programs against the layer: python -m stress --seconds N --seed S."""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count

from harness.runtimes import RUNTIMES

from stress.outcomes import Outcome, outcome_of
from stress.programs import Program
from stress.shrinking import shortest_failing

STEPS = 60


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="to go on for (default: 120)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first program")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time (default: 1)")
    parser.add_argument("--runtimes", nargs="+", choices=RUNTIMES, default=list(RUNTIMES))
    parser.add_argument("--program", help="run this one alone, as a failure has printed it")
    return parser.parse_args()


def report(program: Program, seconds: float) -> None:
    """Print the shortest program found that fails as well."""
    shorter, failure = shortest_failing(program, seconds)
    print(f"shortest, of {len(shorter.steps)} steps: --program '{shorter.to_json()}'")
    print(failure or "(it did not fail again)", flush=True)


def main() -> int:
    asked = arguments()
    if asked.program:
        outcome = outcome_of(Program.from_json(asked.program))
        print(outcome.failure or outcome.done)
        return bool(outcome.failure)

    print(f"seed {asked.seed}", flush=True)
    begin = time.monotonic()
    programs = (
        Program.drawn(seed, runtime, STEPS)
        for seed in count(asked.seed)
        for runtime in asked.runtimes
    )
    done: Counter[str] = Counter()
    failed: list[Program] = []
    with ThreadPoolExecutor(asked.jobs) as executor:
        running: dict[Future[Outcome], Program] = {}
        while running or time.monotonic() - begin < asked.seconds:
            while len(running) < asked.jobs and time.monotonic() - begin < asked.seconds:
                program = next(programs)
                running[executor.submit(outcome_of, program)] = program
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                program, outcome = running.pop(future), future.result()
                done.update(outcome.done, programs=1)
                if outcome.failure:
                    print(f"FAILED: {program.runtime}, seed {program.seed}\n{outcome.failure}")
                    failed.append(program)
    print(", ".join(f"{number:,} {what}" for what, number in done.items()), flush=True)
    if failed:
        report(failed[0], asked.seconds)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
