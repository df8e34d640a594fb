"""Which Numba the layer knows from inside: a later one may look different there.

Numba has no plug-in point for layers, so this one relies on names that are Numba's own. Where one
is missing, or takes other arguments, nothing is registered: whoever asked for the layer is told,
and Numba goes on as without this package.
"""

import inspect
import sys
from typing import Any

from numba_ompsafe import __version__

# In numba.np.ufunc.parallel: variables, and functions with the number of their arguments.
_VARIABLES = (
    "_backend_init_process_lock",
    "_backend_init_thread_lock",
    "_is_initialized",
    "_threading_layer",
)
_FUNCTIONS = {
    "_launch_threads": 0,
    "_load_threading_functions": 1,
    "_set_init_process_lock": 0,
    "build_gufunc_kernel": 5,
    "build_gufunc_wrapper": 6,
}


def refusal(parallel: Any) -> str | None:
    """Return why the layer is not registered in ``numba.np.ufunc.parallel``; None where it is."""
    strange = [name for name in _VARIABLES if not hasattr(parallel, name)]
    strange += [
        name
        for name, arguments in _FUNCTIONS.items()
        if _arguments(getattr(parallel, name, None)) != arguments
    ]
    return does_not_know(", ".join(strange)) if strange else None


def does_not_know(what: str) -> str:
    """Return a message: this Numba has ``what``, or lacks it, and what to do."""
    numba = getattr(sys.modules["numba"], "__version__", "")
    return (
        f"numba-ompsafe {__version__} does not know Numba {numba} from inside, and leaves it "
        f"alone: the threading layer ompsafe is not there (other than expected: {what}). It knows "
        "Numba 0.61 to 0.68: install one of these (pip install 'numba<0.69'), or a later "
        "numba-ompsafe"
    )


def _arguments(function: Any) -> int | None:
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    return code.co_argcount if code else None
