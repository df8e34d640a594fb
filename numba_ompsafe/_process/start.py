"""How this process came to be, as the finder on ``sys.meta_path`` has seen it (``_startup``).

Where no start-up file ran and nobody has asked for the layer, there is none: nothing is known then.
"""

import sys
from typing import Any


def finder() -> Any:
    """Return the finder by which a Numba that is imported from now on knows the layer, or None."""
    for one in sys.meta_path or ():  # None as the interpreter shuts down
        if type(one).__module__ == "numba_ompsafe._startup":
            return one
    return None


def start_up_file_ran() -> bool:
    """Whether a start-up file ran in this process, or in one that it was forked from."""
    return getattr(finder(), "ran_at_start", False)


def may_have_lost_pools() -> bool:
    """Whether this process, if it was forked, may have been forked from a thread with a pool."""
    origin = getattr(finder(), "origin", None)
    return origin is None or bool(origin.may_have_had_a_pool())


def torch_is_newer() -> bool:
    """Whether torch, if it is there, was imported after this process was forked."""
    origin = getattr(finder(), "origin", None)
    return origin is not None and bool(origin.torch_is_newer())
