"""``numba-ompsafe report`` and ``check``: the threads of a process, and what is wrong with them."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from importlib import import_module
from typing import TYPE_CHECKING

from numba_ompsafe._command.arguments import Parser, conflict_code, module_names, process_id
from numba_ompsafe._command.output import paint, put, reserve

if TYPE_CHECKING:
    from numba_ompsafe._report.record import Report

_REPORT = """\
Tell how a process's threads are set up: what runs, on which OpenMP runtime, with how many threads
and why, on which cores, and what is wrong with that, with the remedy. The process is this command's
own, after the imports that are named, or another one."""

_CHECK = """\
Find what is wrong with a process's thread settings, for job scripts and tests: the exit status is 1
if there is a conflict, else 0. The process is this command's own, after the imports that are named,
or another one."""


def add_report(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Make the sub-command known."""
    parser = commands.add_parser(
        "report", help="tell how a process's threads are set up", description=_REPORT
    )
    _add_process(parser)
    parser.add_argument("--json", action="store_true", help="print the report as a JSON object")
    parser.set_defaults(do=_report, parser=parser)


def add_check(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Make the sub-command known."""
    from numba_ompsafe._report.record import SEVERITIES

    parser = commands.add_parser(
        "check", help="end with exit status 1 if there is a conflict", description=_CHECK
    )
    _add_process(parser)
    parser.add_argument(
        "--ignore",
        metavar="CODE",
        type=conflict_code,
        action="append",
        default=[],
        help="a conflict that is none here; may be given several times",
    )
    parser.add_argument(
        "--severity",
        choices=SEVERITIES,
        default="moderate",
        help="the least that counts: severe lets what is moderate pass",
    )
    parser.add_argument("--json", action="store_true", help="print the conflicts as a JSON list")
    parser.set_defaults(do=_check, parser=parser)


def _add_process(parser: Parser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--import",
        dest="modules",
        metavar="MODULES",
        type=module_names,
        action="extend",
        default=[],
        help="import these first, in this order: torch,cv2,sklearn",
    )
    which.add_argument(
        "--pid",
        metavar="N",
        type=process_id,
        help="tell of the running process N what can be seen from outside",
    )


def _report(options: argparse.Namespace) -> int:
    from numba_ompsafe._report import page

    found = _found(options)
    put(found.to_json() if options.json else page.text(found, _note(options), paint))
    return 0


def _note(options: argparse.Namespace) -> str:
    if options.pid is not None:
        return (
            "Seen from outside. The counts are those that its variables ask for, or one thread for "
            "each core; what the program sets in code, and the ICVs, cannot be seen."
        )
    return _nothing_imported(options, "report")


def _nothing_imported(options: argparse.Namespace, command: str) -> str:
    if options.modules or options.pid is not None:
        return ""
    return (
        "Nothing was imported. For what your program's imports lead to, name them in their order: "
        f"numba-ompsafe {command} --import torch,numba"
    )


def _check(options: argparse.Namespace) -> int:
    from numba_ompsafe._report import page

    found = _found(options)
    counted = tuple(
        one
        for one in found.conflicts
        if one.code not in options.ignore and one.is_at_least(options.severity)
    )
    if options.json:
        put(json.dumps([asdict(conflict) for conflict in counted], indent=2))
    else:
        note = _nothing_imported(options, "check")
        put(page.conflicts(replace(found, conflicts=counted), note, paint))
    return 1 if counted else 0


def _found(options: argparse.Namespace) -> "Report":
    """Return the report of the process that the options name."""
    from numba_ompsafe._report import here

    if options.pid is None:
        _import(options.modules, options.parser)
        return here.report()
    from numba_ompsafe._report import elsewhere

    try:
        return elsewhere.report(options.pid)
    except elsewhere.UnreadableProcessError as error:
        parser: Parser = options.parser
        parser.fail(str(error))


def _import(modules: Sequence[str], parser: Parser) -> None:
    """Import the modules as ``python -c`` would; what they print does not get into the report."""
    if not modules:
        return
    reserve()
    if not sys.flags.safe_path:
        sys.path[0] = ""  # the folder that the user is in; it was that of this command
    sys.argv = ["-c"]  # the command's arguments are none of theirs
    for module in modules:
        try:
            with redirect_stdout(sys.stderr):
                import_module(module)
        except (Exception, SystemExit) as error:
            reason = " ".join(str(error).split())
            words = f"import of {module} failed: {type(error).__name__}: {reason}"
            parser.fail(" ".join([words, *_variables_at_fault()]))


def _variables_at_fault() -> Iterator[str]:
    """Tell of the variables that an import may have failed for."""
    from numba_ompsafe._report import here

    for one in here.report().conflicts:
        if one.code == "variable-not-understood" and one.severity == "severe":
            yield str(one)
