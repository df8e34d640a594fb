"""fork: a fork after a launch, and the first launch in child and parent after it."""

import os
import signal
import struct
from collections.abc import Iterator
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._kernels import SMALL, check_filled, fill

UNIT = "us"
FORKS = 30
TIMEOUT_SECONDS = 10


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    out = np.zeros(SMALL)
    _launch(out)
    forks, parents, children = [], [], []
    why_not = ""
    for _ in range(FORKS):
        begin = perf_counter()
        reader, writer, child = _fork(out)
        forks.append(perf_counter() - begin)
        parents.append(_launch(out))
        os.close(writer)
        said = os.read(reader, 8)
        os.close(reader)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if said:
            children.append(struct.unpack("d", said)[0])
        else:
            ended = (
                f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
            )
            why_not = f"its child was {ended} at its first launch"
    yield Figure("fork", median(forks))
    yield Figure("first launch, parent", median(parents))
    if why_not:
        raise RuntimeError(why_not)
    yield Figure("first launch, child", median(children))


def _fork(out: np.ndarray) -> tuple[int, int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT_SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what a layer says as it kills the child
        os.write(writer, struct.pack("d", _launch(out)))
        os._exit(0)
    return reader, writer, child


def _launch(out: np.ndarray) -> float:
    out[:] = 0
    begin = perf_counter()
    fill(out)
    seconds = perf_counter() - begin
    check_filled(out)
    return seconds
