"""Kernels made up from a seed: loops with what many programs do in them, in any order."""

import hashlib
import importlib.util
import os
import re
import sys
from functools import partial
from pathlib import Path
from random import Random

import numba

from differences.kernels import Kernel, add, call
from differences.loops import STEPS, TYPES

# What may stand in a loop; each with the first value of its own variable, v. k is an index of x and
# y, place one of out.
STATEMENTS = (
    ("v += 1", "3"),
    ("v += x[k]", "0.5"),
    ("v -= y[k] * 2", "0.5"),
    ("v += y[k]", "0"),
    ("v -= i", "7.0"),
    ("v *= 1 - 2 * (y[k] & 1)", "1"),
    ("v = min(v, x[k])", "1e9"),
    ("v = max(v, x[k])", "-4.0"),
    ("v = max(y[k], v)", "-4"),
    ("v += x[:3]", "np.zeros(x[:3].size)"),
    ("if place >= 0: out[place] = x[k] + 1", ""),
    ("if place >= 0: out[place] += np.float64(i)", ""),
    ("if y[k] % 3 == 0: continue", ""),
    ("if x[k] > 0: v += 1", "0.5"),
    ("for j in range(y[k] & 3): v += j", "0"),
    ("for j in prange(y[k] % 4 - 1): v += j", "3"),
    ("for j in range(x[:4].size): v += x[j] * j", "0.5"),
    ("t = np.arange(y[k] & 7); v += t.sum()", "0"),
    ("v += min(k, 5) if x[k] < 1 else -1", "0"),
)
HEAD = """\
import numpy as np
from numba import prange


def kernel(a, b, x, y, out):"""


def _lines(random, ranges):
    """Return a function's lines: one or two loops, and maybe an expression over an array."""
    lines, variables = [], []
    for _ in range(random.choice((1, 1, 2))):
        body = []
        for line, first in random.sample(STATEMENTS, random.randint(1, 6)):
            variable = f"v{len(variables)}"
            if first:
                variables.append(variable)
                lines.append(f"    {variable} = {first}")
            body.append("        " + re.sub(r"\bv\b", variable, line))
        lines.append(f"    for i in prange({random.choice(ranges)}):")
        lines.append("        k = np.int64(i) % x.size")
        lines.append("        place = np.int64(i) - np.int64(a)")
        lines.append("        if place >= out.size: place = -1")
        lines += body
    if random.random() < 0.3:
        lines.append(f"    out *= {random.choice(('2', '-1', '0.5'))}")
    lines.append(f"    return {', '.join([*variables, 'out.size'])}")
    return lines


def source(seed):
    """Return the source of a seed's kernel, and the type of its bounds."""
    random = Random(f"template {seed}")
    lines = _lines(random, ("a, b", "a, b", "np.int64(b) % 60 - 20", "x.size", "y.size - 3"))
    return "\n".join([HEAD, *lines, ""]), random.choice(TYPES)


def _compiled(name, text, signature):
    """Compile it from a file: what has none is not cached."""
    folder = Path(os.environ["NUMBA_CACHE_DIR"]) / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:12]}.py"
    if not file.exists():
        file.write_text(text)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where what is cached is looked for
    spec.loader.exec_module(module)
    return numba.njit(signature, parallel=True, cache=True)(module.kernel)


def _draw(dtype, draw):
    size = draw.size(least=1)
    x, y = (draw.array(kind, size, STEPS) for kind in ("float64", "int64"))
    return call, (*draw.bounds(dtype), x, y, draw.array("float64", draw.size(), STEPS))


def make_up(how_many):
    """Register that many kernels."""
    for seed in range(how_many):
        text, dtype = source(seed)
        signature = f"({dtype}, {dtype}, float64[:], int64[:], float64[:])"
        name = f"template {seed}"
        compiled = partial(_compiled, name.replace(" ", "_"), text, signature)
        add(Kernel(name, compiled, partial(_draw, dtype), source=text))
