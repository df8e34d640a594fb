"""startup: an interpreter's start, import numba, and the first launch of a compiled function.

The limit is the same without the package: an environment in which its start-up file is missing. No
layer has a part in the first two, which so are measured once.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from sysconfig import get_path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.figures import Figure, Options, Setting
from benchmarks.layers import OURS

UNIT = "ms"
START_UP_FILE = "numba_ompsafe.pth"
PROGRAMS = {"python": ("", 20), "import numba": ("import numba", 5)}
FIRST_LAUNCH = """
import numpy
from time import perf_counter
from benchmarks.rows._kernels import SMALL, check_filled, fill
out = numpy.zeros(SMALL)
begin = perf_counter()
fill(out)
print(perf_counter() - begin)
check_filled(out)
"""


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        python = _environment(folder, with_package=True)
        layer = os.environ["NUMBA_THREADING_LAYER"]
        if layer == OURS:
            yield from _starts(python)
        if layer == "tbb":
            # Loaded as in the rest of the suite: Numba does not find it where pip puts it.
            os.environ["LD_LIBRARY_PATH"] = str(Path(sys.prefix, "lib"))
        yield Figure("first launch", _median_of_runs(python, FIRST_LAUNCH, 5, float))


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        yield from _starts(_environment(folder, with_package=False))


def _environment(folder: str, *, with_package: bool) -> str:
    """Return the interpreter of an environment that has this one's packages.

    Their start-up files are not run there, but for ours if it is asked for: Python runs those of
    its own folder alone.
    """
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = Path(folder, "lib", version, "site-packages")
    # Read first: files are read in the order of their names.
    Path(site, "_packages.pth").write_text(f"{get_path('purelib')}\n{get_path('platlib')}\n")
    if with_package:
        shutil.copy(Path(get_path("platlib"), START_UP_FILE), site)
    return str(Path(folder, "bin", "python"))


def _starts(python: str) -> Iterator[Figure]:
    for case, (program, runs) in PROGRAMS.items():
        yield Figure(case, _median_of_runs(python, program, runs, None))


def _median_of_runs(python: str, program: str, runs: int, result) -> float:
    seconds = []
    for _ in range(runs + 1):  # the first warms the file cache
        begin = perf_counter()
        done = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
        taken = perf_counter() - begin
        seconds.append(result(done.stdout) if result else taken)
    return median(seconds[1:])
