"""The rule: where omp and workqueue agree, this layer has to agree with both."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from differences.known import known
from differences.layers import HERE, NO_RESULT, NOT_COMPILED, OWN, Asked, Layer, Outcome

BATCH = 2_000  # programs of a process
AGAIN = 5  # times as many calls, each of the times that a difference is looked at again
Outcomes = dict[str, Outcome]


@dataclass(frozen=True)
class Difference:
    """A program with another outcome under this layer."""

    number: int
    what: str
    first: Outcomes  # beside other programs
    again: Outcomes  # alone, in processes of its own

    def kernel(self) -> str:
        return self.first[HERE].kernel


def broken(outcomes: Outcomes) -> str:
    """Say in which way the outcomes of a program break the rule: "" if they do not."""
    here = outcomes.get(HERE)
    own = [outcomes[layer].found for layer in OWN if layer in outcomes]
    if here is None or not own:
        return ""
    (an_outcome, *others) = here.found
    if here.expected is not None:
        return "" if here.found == {here.expected} else "not what NumPy computes"
    if any(map(_is_no_result, here.found)):
        return "" if any(any(map(_is_no_result, found)) for found in own) else "no result"
    if any(len(found) > 1 for found in own):
        return ""
    if others:
        return "other at another time"
    if len(set(own)) == 1 and {an_outcome} != own[0]:
        return "other than under Numba's own layers"
    return ""


def _is_no_result(outcome: str) -> bool:
    return outcome.startswith(NO_RESULT)


class Comparison:
    """Runs programs under all layers, and counts what it has compared."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.layers = {name: Layer(name) for name in (*OWN, HERE)}
        self.compared = self.not_compared = 0
        self.seen_known: dict[str, int] = {}
        self.not_compiled: dict[str, str] = {}

    def differences(self, programs: int, first: int = 0) -> Iterator[Difference]:
        """Yield each difference that is not a known one."""
        for begin in range(first, first + programs, BATCH):
            numbers = tuple(range(begin, min(begin + BATCH, first + programs)))
            asked = replace(self.asked, numbers=numbers)
            ran = {name: layer.run(asked) for name, layer in self.layers.items()}
            for number in numbers:
                outcomes = {name: ran[name][number] for name in ran if number in ran[name]}
                if HERE not in outcomes or len(outcomes) == 1:
                    self.not_compared += 1
                    continue
                self.compared += 1
                self._note_what_does_not_compile(outcomes)
                if what := broken(outcomes):
                    yield from self._looked_at_again(number, what, outcomes)

    def alone(self, number: int, *, in_full: bool = True) -> Outcomes:
        """Run one program alone, more often."""
        asked = replace(self.asked, numbers=(number,), times=AGAIN, in_full=in_full)
        return {
            name: outcomes[number]
            for name in self.layers
            if number in (outcomes := Layer(name).run(asked))
        }

    def _looked_at_again(self, number: int, what: str, first: Outcomes) -> Iterator[Difference]:
        """What Numba's own layers do not repeat either is no difference."""
        again = self.alone(number, in_full=False)
        both = {
            name: replace(outcome, found=outcome.found | again[name].found)
            for name, outcome in first.items()
            if name in again
        }
        if not (what := broken(both)):
            return
        own = frozenset().union(*(both[layer].found for layer in OWN if layer in both))
        if reason := known(first[HERE].kernel, both[HERE].found - own):
            self.seen_known[reason] = self.seen_known.get(reason, 0) + 1
        else:
            yield Difference(number, what, first, again)

    def _note_what_does_not_compile(self, outcomes: Outcomes) -> None:
        for outcome in outcomes.values():
            for found in outcome.found:
                if found.startswith(NOT_COMPILED):
                    self.not_compiled[outcome.kernel] = found

    def left_out(self) -> list[str]:
        """Say which kernels were left out under which layer, after they had ended processes."""
        return [
            f"{kernel} under {name}"
            for name, layer in self.layers.items()
            for kernel in layer.losses
        ]
