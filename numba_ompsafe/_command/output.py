"""Writing to standard output: colours where somebody looks, and no complaint where nobody does."""

import os
import sys
from typing import TextIO

_COLOURS = {"severe": "\033[31m", "moderate": "\033[33m"}
_PLAIN = "\033[0m"

# Standard output once nobody else is to write there.
_reserved: TextIO | None = None


def put(text: str) -> None:
    """Print the text. Does nothing if nobody reads it, or whoever does has read enough.

    Raises:
        SystemExit: it cannot be written; with status 2, after a line that says why.
    """
    output = _output()
    if output is None:
        return
    # A variable may hold what is no text, or what the terminal cannot show.
    output.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
    try:
        print(text, file=output, flush=True)
    except OSError as error:
        # What is left in the buffer goes nowhere, or Python would complain when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        if isinstance(error, BrokenPipeError):
            return
        print(f"numba-ompsafe: cannot write the output: {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None


def paint(severity: str) -> str:
    """Return the word in its colour, if standard output is a terminal that is to have colours."""
    output, environment = _output(), os.environ
    plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    if plain or output is None or not output.isatty():
        return severity
    return f"{_COLOURS[severity]}{severity}{_PLAIN}"


def reserve() -> None:
    """Leave standard output to :func:`put`: whatever else is written goes to standard error.

    Also what code of C's writes, what is started from now on, and who speaks at the end.
    """
    global _reserved
    output = sys.stdout
    if output is None or _reserved is not None:
        return
    output.flush()
    _reserved = os.fdopen(os.dup(output.fileno()), "w", encoding=output.encoding, closefd=False)
    try:
        os.dup2(2, output.fileno())
    except OSError:  # there is no standard error
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


def _output() -> TextIO | None:
    """Return standard output; None if the process was started without one."""
    return _reserved or sys.stdout
