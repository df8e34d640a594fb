"""The versions of what takes part."""

import platform
import sys

import numba_ompsafe
from numba_ompsafe._report.record import Versions


def find() -> Versions:
    """Return them; a package that is not loaded has none."""
    return Versions(
        python=platform.python_version(),
        numba_ompsafe=numba_ompsafe.__version__,
        numba=_version("numba"),
        torch=_version("torch"),
    )


def _version(package: str) -> str | None:
    version = getattr(sys.modules.get(package), "__version__", None)
    return None if version is None else str(version)
