"""Runs the command ``numba-ompsafe`` as a shell would."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess

from harness.processes import SUPPORT, clean_environment

SCRIPT = (str(Path(sys.executable).with_name("numba-ompsafe")),)
MODULE = (sys.executable, "-m", "numba_ompsafe")


def execute(
    arguments: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    stdin: str = "",
    cwd: Path | None = None,
    timeout: float = 120,
) -> CompletedProcess[str]:
    """Run a command line to its end, in an environment that says nothing of threads but ``env``."""
    return subprocess.run(
        arguments,
        env=clean_environment(**(env or {})),
        cwd=cwd or SUPPORT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def command(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> CompletedProcess[str]:
    """Run ``numba-ompsafe`` with the arguments."""
    return execute([*SCRIPT, *arguments], env, cwd=cwd)
