"""Tests the package beside one Numba and one NumPy, on the Python that runs this.

Makes a virtual environment, installs what is named there, tests, and leaves pytest's results in
``results.xml`` beside it. Run in the root of the checkout; ``run.py`` does so for every row.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS_NEED = (
    "cloudpickle",
    "hypothesis",
    "intel-openmp",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "pyyaml",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the environment and the results")
    parser.add_argument("packages", nargs="+", help="wheels, and requirements of pip")
    parser.add_argument(
        "--tests", nargs=argparse.REMAINDER, required=True, help="files and options of pytest"
    )
    options = parser.parse_args()

    folder = options.folder.absolute()
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [python, "-m", "pip", "install", "-q", "--prefer-binary"]
    subprocess.run([*pip, *TESTS_NEED, *options.packages], check=True)
    shutil.rmtree(folder / "numba-cache", ignore_errors=True)  # an earlier run may have spoilt it
    environment = os.environ | {"TESTS_NUMBA_CACHE_DIR": str(folder / "numba-cache")}
    environment.pop("PYTHONPATH", None)
    results = folder / "results.xml"
    tests = ["pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results}", *options.tests]
    return subprocess.run([python, "-m", *tests], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
