"""Medians and ratios of a run of the suite, as a table of text."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks import rows
from benchmarks.figures import LIMIT, about
from benchmarks.layers import OURS, peers_among
from benchmarks.results import Results

UNITS = {"ms": 1e3, "us": 1e6}  # in a second


def lines(results: Results, names: Sequence[str], layers: Sequence[str]) -> Iterator[str]:
    """Yield the table, a block for each row, and then why cases are missing from it.

    A ratio with ``~`` is one on whose side of 1 the rounds do not agree.
    """
    columns = [*layers, LIMIT]
    for name in names:
        row = rows.load(name)
        yield f"{about(row)} [{row.UNIT}]"
        header = "".join(f"{column:>11}" for column in columns)
        yield f"  {'':<28}{header}{'/ best peer':>13}{'/ limit':>10}"
        for case in results.cases(name):
            cells = "".join(
                f"{_number(median_of(results, name, case, column), row.UNIT):>11}"
                for column in columns
            )
            peer = _ratio(to_best_peer(results, name, case, layers))
            limit = _ratio(paired_ratios(results, name, case, LIMIT))
            yield f"  {case:<28}{cells}{peer:>14}{limit:>10}"
        yield ""
    for (name, case, layer), reason in results.failures.items():
        yield f"{layer} does not run {name}{f' ({case})' if case else ''}: {reason}"


def median_of(results: Results, name: str, case: str, layer: str) -> float | None:
    """Return the median over the rounds, None where the layer did not run the case."""
    values = results.values.get((name, case, layer))
    return median(values) if values else None


def best_peer(results: Results, name: str, case: str, layers: Sequence[str]) -> str | None:
    """Return the layer of Numba's own with the lowest median."""
    ran = {
        layer: found
        for layer in peers_among(layers)
        if (found := median_of(results, name, case, layer)) is not None
    }
    return min(ran, key=ran.__getitem__) if ran else None


def to_best_peer(results: Results, name: str, case: str, layers: Sequence[str]) -> list[float]:
    """Return our time over the best peer's, for each round."""
    peer = best_peer(results, name, case, layers)
    return paired_ratios(results, name, case, peer) if peer else []


def paired_ratios(results: Results, name: str, case: str, other: str) -> list[float]:
    """Return our time over the other's in the same round, for each.

    What the machine does for minutes meets both sides of a round, so that a ratio of one round
    holds where a time does not.
    """
    ours = results.values.get((name, case, OURS), [])
    theirs = results.values.get((name, case, other), [])
    return [a / b for a, b in zip(ours, theirs, strict=False)]


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value * UNITS[unit]:,.4g}"


def _ratio(rounds: Sequence[float]) -> str:
    if not rounds:
        return ""
    return f"{median(rounds):.2f}" + ("~" if min(rounds) < 1 < max(rounds) else " ")
