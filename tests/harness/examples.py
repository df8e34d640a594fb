"""Runs the examples as the documentation says, from a folder that is not theirs."""

import re
import subprocess
import sys
from pathlib import Path

from harness.processes import ROOT, clean_environment

EXAMPLES = ROOT / "examples"
PYTHON = (sys.executable,)


def run_example(launcher: tuple[str, ...], file: str, *options: str, cwd: Path, **env: str) -> str:
    """Return what the example prints."""
    process = subprocess.run(
        [*launcher, str(EXAMPLES / file), *options],
        cwd=cwd,
        env=clean_environment(NUMBA_THREADING_LAYER="ompsafe", **env),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def accuracy(out: str) -> float:
    """Return the last accuracy that was printed, in per cent."""
    return float(re.findall(r"accuracy.* ([\d.]+)%", out)[-1])
