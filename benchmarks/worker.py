"""Measures one row under one layer: a process that the suite starts, with its settings as JSON.

Prints a line of JSON for each figure, and a line where its turn is over.
"""

import json
import sys
from dataclasses import asdict

import numba

from benchmarks import layers, rows, turns
from benchmarks.figures import LIMIT, Options, Setting


def main() -> None:
    task = json.loads(sys.argv[1])
    layer: str = task["layer"]
    setting = Setting(**task["setting"])
    options = Options(**task["options"])
    turns.take_them()
    layers.make_loadable(layer)
    row = rows.load(task["row"])
    measure = row.limit if layer == LIMIT else row.figures
    if layer != LIMIT:
        # Launches the layer. Numba does not do it, and crashes under every layer, where it loads a
        # function from its cache that was compiled beside a parallel one that came from there.
        numba.get_num_threads()
    for figure in measure(setting, options):
        print(json.dumps(asdict(figure)), flush=True)
    if layer != LIMIT:
        layers.check_selected(layer)


if __name__ == "__main__":
    main()
