"""What a run of the suite measured, and the file that keeps it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import rows


@dataclass
class Results:
    """What a run of the suite measured: for each row, case and layer, a value per round."""

    machine: dict[str, str]
    rounds: int
    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict)
    # NUMBA_NUM_THREADS, where it was set for what was measured.
    numba_threads: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def cases(self, row: str) -> list[str]:
        """Return the row's cases, in the order in which they were measured."""
        return list(dict.fromkeys(case for name, case, _ in self.values if name == row))

    @classmethod
    def read(cls, files: Iterable[Path]) -> "Results":
        """Return what earlier runs wrote as JSON, their rounds one after the other."""
        results = cls({}, 0)
        for file in files:
            run = json.loads(file.read_text())
            results.machine = run["machine"]
            results.rounds += run["rounds"]
            for figure in run["figures"]:
                key = figure["row"], figure["case"], figure["layer"]
                results.values.setdefault(key, []).extend(figure["values"])
                if figure.get("NUMBA_NUM_THREADS"):
                    results.numba_threads[key] = figure["NUMBA_NUM_THREADS"]
            for failure in run["failures"]:
                key = failure["row"], failure["case"], failure["layer"]
                results.failures[key] = failure["reason"]
        return results

    def to_json(self) -> str:
        """Return all of it as JSON."""
        keys = ("row", "case", "layer")
        return json.dumps(
            {
                "machine": self.machine,
                "rounds": self.rounds,
                "figures": [
                    dict(zip(keys, key, strict=True))
                    | {
                        "NUMBA_NUM_THREADS": self.numba_threads.get(key),
                        "unit": rows.load(key[0]).UNIT,
                        "values": values,
                    }
                    for key, values in self.values.items()
                ],
                "failures": [
                    dict(zip(keys, key, strict=True), reason=reason)
                    for key, reason in self.failures.items()
                ],
            },
            indent=1,
        )
