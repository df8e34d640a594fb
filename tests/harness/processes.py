"""Runs a piece of Python in a fresh process, with an environment that says nothing of threads."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
KERNELS = str(ROOT / "build" / "numba-cache")  # where no other folder is named

# For a process that reads no start-up files (-S), and so does not find the packages by itself.
SITE_PACKAGES = [path for path in sys.path if path.endswith("site-packages")]

# What registers the layer at the start of Python, and which of them this Python reads.
START_UP_FILES = ("numba_ompsafe.pth", "numba_ompsafe.start")
START_UP_FILE = START_UP_FILES[sys.version_info >= (3, 15)]

_SPEAKS_OF_THREADS = ("OMP_", "GOMP_", "KMP_", "MKL_", "NUMBA_", "OPENBLAS_", "LD_PRELOAD")


class ProcessFailedError(AssertionError):
    """The process ended with an error, a signal or at its timeout; says where it was."""


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the environment without what speaks of threads, and with ``variables``.

    What is in tests/support can be imported, compiled kernels are cached from one process
    to the next, and OpenBLAS starts no threads that would be counted with OpenMP's. Nothing is
    warned of at the first launch: most tests use more threads than there are cores.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(_SPEAKS_OF_THREADS)
    }
    environment["PYTHONPATH"] = str(SUPPORT)
    environment["OPENBLAS_NUM_THREADS"] = "1"
    environment["NUMBA_OMPSAFE_WARN"] = "0"
    environment["NUMBA_CACHE_DIR"] = os.environ.get("TESTS_NUMBA_CACHE_DIR", KERNELS)
    environment |= variables
    # What a sanitizer needs comes first in every process.
    if preload := os.environ.get("TESTS_PRELOAD"):
        environment["LD_PRELOAD"] = f"{preload} {variables.get('LD_PRELOAD', '')}"
    return environment


def run_python(
    code: str,
    env: Mapping[str, str] | None = None,
    *,
    timeout: float = 120,
    options: tuple[str, ...] = (),
    layer: str | None = "ompsafe",
    cwd: Path | None = None,
    stderr: str = "",
) -> Any:
    """Run ``code`` and return the JSON value that it prints in its last line.

    ``layer`` is what NUMBA_THREADING_LAYER says, None to leave it unset. A process that says
    anything on stderr but ``stderr`` has failed. At the timeout it dies by SIGABRT, on which
    faulthandler tells where all its threads are.
    """
    variables = dict(env or {})
    if layer is not None:
        variables["NUMBA_THREADING_LAYER"] = layer
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", *options, "-c", textwrap.dedent(code)],
        env=clean_environment(**variables),
        cwd=cwd or SUPPORT,  # not where a checkout of the package would be imported
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # its children, too: they hold the pipes
        out, err = process.communicate()
        raise ProcessFailedError(f"no end after {timeout} s\n{out}\n{err}") from None
    if process.returncode != 0 or err.strip() != stderr:
        raise ProcessFailedError(f"exit status {process.returncode}\n{out}\n{err}")
    lines = out.splitlines()
    return json.loads(lines[-1]) if lines else None


def results_of(code: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
    """Run ``code`` and return what it has put into the dict ``results``."""
    code = textwrap.dedent(code)
    return run_python(
        f"import json\nresults = {{}}\n{code}\nprint(json.dumps(results))", env, **options
    )
