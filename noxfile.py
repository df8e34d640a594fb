"""The checks that take longer than a change may wait: `nox -s NAME`, and `nox -l` tells the names.

Each makes a virtual environment of its own. What follows `--` goes to the program that it runs.
"""

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.sessions = []


def install(session: nox.Session) -> None:
    """Install the package with what the tests use, as CI does."""
    session.install(".[torch,test]", "-c", "constraints.txt")
