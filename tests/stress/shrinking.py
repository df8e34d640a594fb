"""Makes a program that fails as short as it can be, and still fail."""

import time
from collections.abc import Iterator

from stress.outcomes import outcome_of
from stress.programs import Program, Step

TRIES = 3  # for each shorter program: a race does not fail each time


def shortest_failing(program: Program, seconds: float) -> tuple[Program, str]:
    """Return the shortest program found in so long, and how it failed.

    Each try leaves out some of the steps, from half of them down to one, then single acts.
    """
    deadline, failure = time.monotonic() + seconds, ""
    part = max(1, len(program.steps) // 2)
    while time.monotonic() < deadline:
        for steps in _without_some(program.steps, part):
            if found := _failure_of(program.with_steps(steps), deadline):
                program, failure = program.with_steps(steps), found
                break
        else:
            if part == 1:
                break
            part = max(1, part // 2)
    return program, failure


def _without_some(steps: list[Step], part: int) -> Iterator[list[Step]]:
    for begin in range(0, len(steps), part):
        if shorter := steps[:begin] + steps[begin + part :]:
            yield shorter
    if part == 1:
        for index, step in enumerate(steps):
            if len(step) > 1:
                for act in step:
                    fewer = [other for other in step if other is not act]
                    yield [*steps[:index], fewer, *steps[index + 1 :]]


def _failure_of(program: Program, deadline: float) -> str:
    for _ in range(TRIES):
        if time.monotonic() > deadline:
            return ""
        if failure := outcome_of(program).failure:
            return failure
    return ""
