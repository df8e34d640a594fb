"""A web service whose start warms up a parallel Numba function and torch."""

import numpy as np
import torch
from parallel import doubled


def answer() -> float:
    return float(torch.from_numpy(doubled(np.ones(1_000_000))).mean())


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(answer()).encode()]


answer()
