"""``numba-ompsafe run``: a program, started as ``python`` would start it, with the layer selected.

This process becomes the program (``exec``), with ``NUMBA_THREADING_LAYER=ompsafe`` in its
environment. So the arguments, ``sys.path``, ``__main__``, tracebacks, signals, standard input and
the exit status are those of ``python app.py``, since it *is* ``python app.py``; and the processes
that it starts, in whatever way, inherit the variable.
"""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from numba_ompsafe._command.arguments import Parser

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_DESCRIPTION = """\
Run a program as "python app.py args..." or "python -m module args..." does, with Numba's threading
layer ompsafe: for the program and for all processes that it starts. What follows the program's name
belongs to the program. Options of Python's own go to the python that runs this command:
python -X dev -m numba_ompsafe run app.py"""


def add_run(commands: "_SubParsersAction[Parser]") -> Parser:
    """Make the sub-command known; return its parser, for :func:`run`."""
    return commands.add_parser(
        "run",
        help="run a program with the layer ompsafe",
        usage="numba-ompsafe run [-h] (app.py | -m module) [args...]",
        description=_DESCRIPTION,
    )


def run(parser: Parser, arguments: Sequence[str]) -> NoReturn:
    """Become the program that the arguments name, or end with what is wrong with them."""
    program = list(arguments)
    if program[:1] in (["-h"], ["--help"]):
        parser.parse_args(program[:1])
    if not program or program == ["-m"]:
        parser.error("name a program to run: app.py or -m module")
    if program[0].startswith("-") and program[0] != "-m":
        parser.error(f"name a program to run, app.py or -m module, before {program[0]!r}")
    if _is_module_alone(program[0]):
        parser.fail(
            f"there is no file {program[0]!r} here; to run the module of that name: "
            f"numba-ompsafe run -m {' '.join(program)}"
        )
    try:
        os.execve(
            sys.executable,
            [sys.executable, *_options_of_python(), *program],
            os.environ | {"NUMBA_THREADING_LAYER": "ompsafe"},
        )
    except OSError as error:  # too many arguments, or a Python that is not there any more
        parser.fail(f"cannot run {sys.executable!r}: {error.strerror}")


def _is_module_alone(name: str) -> bool:
    return name.isidentifier() and not os.path.exists(name) and find_spec(name) is not None


def _options_of_python() -> list[str]:
    """Return the options that this interpreter was given: ``-X dev``, ``-W error``, ``-u``.

    They stand before the name of the script, or before ``-m numba_ompsafe``.
    """
    options = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv[1:])]
    command = options.pop()
    if command == "numba_ompsafe":
        options[-1] = options[-1].removesuffix("m")  # -m, or the end of several letters: -um
    elif command.endswith("mnumba_ompsafe"):
        options.append(command.removesuffix("mnumba_ompsafe"))
    return options[:-1] if options[-1:] == ["-"] else options
