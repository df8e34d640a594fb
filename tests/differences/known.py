"""Differences that are meant, each with the reason."""

import re

# The name of a kernel and how it differs, as expressions; and why that is as it should be.
KNOWN: tuple[tuple[str, str, str], ...] = ()


def known(kernel: str, what: str) -> str:
    """Return the reason for a difference, "" if it is not known."""
    for kernels, differences, reason in KNOWN:
        if re.fullmatch(kernels, kernel) and re.fullmatch(differences, what):
            return reason
    return ""
