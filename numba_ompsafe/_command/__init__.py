"""The command ``numba-ompsafe``: reports on thread settings, and runs programs.

Exit status: 0, or 1 if ``check`` finds a conflict, or 2 where the command cannot do what was asked;
it then says why in one line. ``run`` ends as the program does.
"""

import sys
from collections.abc import Sequence

from numba_ompsafe._command import inspection, program
from numba_ompsafe._command.arguments import Parser

_DESCRIPTION = "Tell what is wrong with a process's thread settings, and what to type to cure it."


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say, those of the command line if None; return the exit status."""
    from numba_ompsafe import __version__, unsupported

    parser = Parser(prog="numba-ompsafe", description=_DESCRIPTION)
    if unsupported:
        parser.fail(unsupported)
    parser.add_argument("--version", action="version", version=f"numba-ompsafe {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    inspection.add_report(commands)
    inspection.add_check(commands)
    runner = program.add_run(commands)
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What follows "run" is the program's, and none of it may be taken for an option of this one.
    if given[:1] == ["run"]:
        program.run(runner, given[1:])
    options = parser.parse_args(given)
    status: int = options.do(options)
    return status
