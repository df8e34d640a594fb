"""How long to wait for what holds sooner or later.

Beside busy processes a thread comes to help late, and launches do without their teams for a while.
"""

import time


def eventually(holds, seconds=30):
    """Return whether a condition holds, once within so long."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
    return True


def most(numbers, wanted, seconds=10):
    """Return the largest of what a function returns when called again and again.

    Until it is as much as is wanted, or for so long.
    """
    found = []
    eventually(lambda: found.append(numbers()) or max(found) >= wanted, seconds)
    return max(found)
