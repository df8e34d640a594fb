"""How a page of text is laid out: rows of a label and a text, at most 100 columns wide."""

import re
import textwrap
from collections.abc import Sequence

_WIDTH = 100
_LABEL = 14
_PACKAGES = r"/(?:site|dist)-packages/"
_IN_TEXT = re.compile(rf"(?<![\w/.])/[^\s:,;'\"()]*?{_PACKAGES}")


def row(label: str, text: object, indent: int = 2) -> str:
    """Return a label and what is said of it, on as many lines as that takes."""
    return filled(text, " " * indent + label.ljust(_LABEL - 1) + " ", " " * (indent + _LABEL))


def filled(text: object, first: str = "", others: str = "") -> str:
    """Return the text in lines that begin with ``first`` and ``others``; words stay whole."""
    return textwrap.fill(
        printable(str(text)),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def printable(text: str) -> str:
    """Return the text with its control characters as Python writes them: variables may hold any."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def short(path: str) -> str:
    """Return the path of an installed package's file as it is below ``site-packages``."""
    return re.split(_PACKAGES, path)[-1]


def shortened(text: str) -> str:
    """Return the text with such paths in it short; those with blanks in them stay as they are."""
    return _IN_TEXT.sub("", text)


def number(count: int, one: str, many: str | None = None) -> str:
    """Return the number and the noun, in its plural unless there is one."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as Linux writes a list of cores: "0-3,8"."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    pairs = zip(starts, ends, strict=True)
    return ",".join(str(start) if start == end else f"{start}-{end}" for start, end in pairs)
