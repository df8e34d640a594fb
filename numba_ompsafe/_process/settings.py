"""What Numba's settings say of thread counts."""

import os
from typing import Any


def environment_count(config: Any) -> int:
    """``NUMBA_NUM_THREADS`` if the environment or Numba's config file sets it, else 0.

    Numba keeps what it read from both in its reloader; the environment alone is asked where a
    Numba has none. A value that Numba could not parse set nothing: Numba warned of it.

    Args:
        config: ``numba.config``.
    """
    reloader = getattr(config, "_env_reloader", None)
    environment = getattr(reloader, "old_environ", os.environ)
    try:
        asked = int(environment["NUMBA_NUM_THREADS"])
    except (KeyError, TypeError, ValueError):
        return 0
    return max(asked, 0)
