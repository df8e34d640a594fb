"""What Numba's settings say of thread counts."""

import os
from collections.abc import Mapping
from typing import Any

# Linux has no more (PID_MAX_LIMIT), and neither Numba nor OpenMP copes with 2**31.
MOST_THREADS = 2**22


def environment_count(config: Any) -> int:
    """``NUMBA_NUM_THREADS`` if the environment or Numba's config file sets it, else 0.

    A value that Numba could not parse set nothing: Numba warned of it.

    Args:
        config: ``numba.config``.
    """
    try:
        asked = int(read(config)["NUMBA_NUM_THREADS"])
    except (KeyError, OverflowError, TypeError, ValueError):  # of YAML's, too: .inf
        return 0
    return max(asked, 0)


def read(config: Any) -> Mapping[str, Any]:
    """Return what Numba has read from the environment and its config file, by variables' names.

    Numba keeps it in its reloader; the environment alone is asked where a Numba has none.
    """
    reloader = getattr(config, "_env_reloader", None)
    found: Mapping[str, Any] = getattr(reloader, "old_environ", os.environ)
    return found
