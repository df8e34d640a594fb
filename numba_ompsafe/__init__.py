"""An OpenMP threading layer for Numba that shares one pool with PyTorch.

Select it like any layer of Numba's, with ``NUMBA_THREADING_LAYER=ompsafe`` or
``numba.config.THREADING_LAYER = "ompsafe"``; no import of this package is needed. What is here is
for programs that want to say more.

Importing this package imports neither Numba nor torch: it happens at every start of Python.
"""

import os
import sys

# Not from typing, whose import costs more than all the rest of this package's start.
TYPE_CHECKING = False

# What there is to say where it does nothing, else None. It is said as soon as something of it is
# used, and not when it is imported: Numba imports all extensions, and warns of those that fail,
# whatever layer is used.
unsupported: str | None = (
    "numba-ompsafe supports Linux on x86-64 and aarch64 only; Numba's own threading layers go on "
    "working without it"
)
if sys.platform == "linux" and os.uname().machine in ("x86_64", "aarch64"):
    unsupported = None

if TYPE_CHECKING:
    from numba_ompsafe._control.counts import (
        clear_mask,
        get_default_num_threads,
        set_default_num_threads,
    )
    from numba_ompsafe._control.threads import threads
    from numba_ompsafe._report.here import check, report
    from numba_ompsafe._startup.enabling import enable
    from numba_ompsafe.errors import (
        LayerAlreadyLaunchedError,
        OpenMPRuntimeNotFoundError,
        ThreadConfigError,
        ThreadConfigWarning,
    )

__version__ = "0.1.0"

__all__ = [
    "LayerAlreadyLaunchedError",
    "OpenMPRuntimeNotFoundError",
    "ThreadConfigError",
    "ThreadConfigWarning",
    "check",
    "clear_mask",
    "enable",
    "get_default_num_threads",
    "report",
    "set_default_num_threads",
    "threads",
]

_HOMES = {
    "LayerAlreadyLaunchedError": "errors",
    "OpenMPRuntimeNotFoundError": "errors",
    "ThreadConfigError": "errors",
    "ThreadConfigWarning": "errors",
    "check": "_report.here",
    "clear_mask": "_control.counts",
    "enable": "_startup.enabling",
    "get_default_num_threads": "_control.counts",
    "report": "_report.here",
    "set_default_num_threads": "_control.counts",
    "threads": "_control.threads",
}


if not TYPE_CHECKING:  # or misspelt names would pass

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if unsupported:
            raise ImportError(unsupported)
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__", "__doc__", "__file__", "__name__", "__path__"]
