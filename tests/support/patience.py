"""How long to wait for what holds sooner or later.

Beside busy processes a thread comes to help late, and launches do without their teams for a while.
"""

import time


def most(find, wanted, seconds=10, size=int):
    """Return the largest of what a function returns when called again and again.

    Until its size is what is wanted, or for so long after the first call, which may compile.
    """
    found = find()
    deadline = time.monotonic() + seconds
    while size(found) < wanted and time.monotonic() <= deadline:
        found = max(found, find(), key=size)
    return found


def eventually(holds, seconds=30):
    """Return whether a condition holds, once within so long."""
    return most(holds, True, seconds)
