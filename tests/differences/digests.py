"""What a process tells of a program's outcome: short, and the same for the same bits."""

import hashlib
import re

import numpy as np

LINES = 200


def of_result(value):
    """Return a digest of the types and bits of what a program has returned and written."""
    digest = hashlib.blake2b(digest_size=8)
    _add(digest, value)
    return digest.hexdigest()


def of_exception(error):
    text = re.sub(r"\b0x[0-9a-f]+", "0x...", str(error))  # addresses of functions
    return f"{type(error).__name__}: {text}"


def in_full(value):
    with np.printoptions(threshold=LINES, linewidth=100):
        return repr(value)


def _add(digest, value):
    if isinstance(value, np.ndarray | np.generic):
        digest.update(f"{type(value).__name__} {value.dtype.str} {value.shape}".encode())
        digest.update(value.tobytes())
    elif isinstance(value, list | tuple):
        digest.update(f"{type(value).__name__} {len(value)}".encode())
        for item in value:
            _add(digest, item)
    elif isinstance(value, dict):
        _add(digest, list(value.items()))
    elif isinstance(value, float):
        digest.update(f"float {value.hex()}".encode())
    else:
        digest.update(f"{type(value).__name__} {value!r}".encode())
