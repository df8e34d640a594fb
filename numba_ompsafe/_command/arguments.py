"""Reading the command line: a parser that says what is wrong in one line; types of arguments."""

import argparse
import re
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser for which an error is one line and exit status 2."""

    def __init__(self, **settings: object) -> None:
        # An abbreviation that serves today may be ambiguous tomorrow.
        super().__init__(allow_abbrev=False, **settings)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Mirror ``argparse.ArgumentParser.error``, without the usage."""
        self.fail(f"{message} (see {self.prog} --help)")

    def fail(self, message: str) -> NoReturn:
        """End where the arguments are right and what they ask for cannot be done."""
        self.exit(2, f"{self.prog}: {message}\n")


def module_names(text: str) -> list[str]:
    """Return the names in a list like ``torch,cv2``."""
    names = text.split(",")
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise argparse.ArgumentTypeError(
                f"{name!r} in {text!r} is no name of a module; "
                "name modules as Python does, with commas between them: torch,cv2"
            )
    return names


def process_id(text: str) -> int:
    """Return the number of a process."""
    if not re.fullmatch("0*[1-9][0-9]{0,9}", text):  # more digits has no process of Linux's
        raise argparse.ArgumentTypeError(f"{text!r} is no process number, which pgrep or ps tells")
    return int(text)


def conflict_code(text: str) -> str:
    """Return the code of a conflict that the report knows."""
    from numba_ompsafe._report.record import CODES

    if text not in CODES:
        raise argparse.ArgumentTypeError(f"{text!r} is no code; known are {', '.join(CODES)}")
    return text
