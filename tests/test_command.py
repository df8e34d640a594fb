"""P8: ``numba-ompsafe report`` and ``check`` say what is wrong, and what they cannot do."""

import dataclasses
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from harness.commands import MODULE, SCRIPT, command, execute
from harness.processes import clean_environment
from harness.runtimes import GNU

from numba_ompsafe._report.record import CODES, Report

# One real conflict, and only that one: a runtime in the process whose idle threads spin.
TROUBLE = GNU | {"OMP_WAIT_POLICY": "active"}

BAD_ARGUMENTS = {
    "": "the following arguments are required: COMMAND",
    "nonsense": "invalid choice: 'nonsense'",
    "--nonsense": "the following arguments are required: COMMAND",
    "report extra": "unrecognized arguments: extra",
    "report --imp json": "unrecognized arguments: --imp json",
    "report --ignore two-runtimes": "unrecognized arguments: --ignore",
    "report --import": "argument --import: expected one argument",
    "report --import json,,os": "'' in 'json,,os' is no name of a module",
    "report --import json;os": "'json;os' in 'json;os' is no name of a module",
    "report --import json --pid 1": "argument --pid: not allowed with argument --import",
    "report --pid": "argument --pid: expected one argument",
    "report --pid x": "'x' is no process number",
    "report --pid -1": "'-1' is no process number",
    "report --pid 0": "'0' is no process number",
    "check --json=yes": "argument --json: ignored explicit argument 'yes'",
    "check --ignore two": "'two' is no code; known are bound-to-one-core, crowded-node, ",
}


def only_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


@pytest.mark.parametrize("option", ["--help", "--version", "report --help", "check --help"])
def test_the_script_and_the_module_are_one_command(option: str) -> None:
    script, module = (execute([*form, *option.split()]) for form in (SCRIPT, MODULE))
    assert (script.returncode, script.stderr) == (0, "")
    assert script.stdout.startswith(("usage: numba-ompsafe ", "numba-ompsafe 0."))
    assert module.stdout == script.stdout


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS)
def test_p8_bad_arguments_are_one_line_that_names_them(arguments: str) -> None:
    result = command(*arguments.split())
    assert (result.returncode, result.stdout) == (2, "")
    line = only_line(result.stderr)
    assert line.startswith("numba-ompsafe")
    assert BAD_ARGUMENTS[arguments] in line
    assert "--help" in line


def test_p8_an_unknown_code_is_answered_with_all_that_are_known() -> None:
    line = only_line(command("check", "--ignore", "two").stderr)
    assert all(code in line for code in CODES)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("raise SystemExit('no\\n\\nway')", "SystemExit: no way"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("x = = 2", "SyntaxError: invalid syntax"),
    ],
)
@pytest.mark.parametrize("subcommand", ["report", "check"])
def test_p8_an_import_that_fails_is_one_line_that_names_it(
    text: str, reason: str, subcommand: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text(text)
    result = command(subcommand, "--import", "json,broken,nosuchmodule2", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    line = only_line(result.stderr)
    assert line.startswith(f"numba-ompsafe {subcommand}: import of broken failed: {reason}")


@pytest.mark.parametrize("subcommand", ["report", "check"])
def test_p8_an_import_that_fails_for_a_variable_has_its_remedy(subcommand: str) -> None:
    result = command(subcommand, "--import", "numba", env={"NUMBA_NUM_THREADS": "0"})
    assert (result.returncode, result.stdout) == (2, "")
    line = only_line(result.stderr)
    assert "import of numba failed: ValueError: Number of threads specified must be > 0" in line
    assert "NUMBA_NUM_THREADS='0'" in line
    assert "Remedy: unset NUMBA_NUM_THREADS" in line


def test_imports_are_done_in_order_as_python_does_them_and_do_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("import sys; print('noise'); assert sys.path[0] == ''")
    (tmp_path / "second.py").write_text("import sys; assert 'first' in sys.modules")
    (tmp_path / "third.py").write_text(
        "import sys; assert 'second' in sys.modules; assert sys.argv == ['-c']"
    )
    for form in (SCRIPT, MODULE):
        result = execute(
            [*form, "report", "--json", "--import", "first,second", "--import", "third"],
            cwd=tmp_path,
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr == "noise\n"
        assert json.loads(result.stdout)["pid"]


def test_the_folder_is_not_imported_from_where_python_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("")
    result = execute(
        [sys.executable, "-P", "-m", "numba_ompsafe", "report", "--import", "first"], cwd=tmp_path
    )
    assert "import of first failed: ModuleNotFoundError" in only_line(result.stderr)


def test_json_has_the_fields_of_the_record() -> None:
    result = command("report", "--json", env=TROUBLE)
    answer = json.loads(result.stdout)
    assert list(answer) == [field.name for field in dataclasses.fields(Report)]
    assert answer["environment"].items() >= TROUBLE.items()
    assert answer["threads"] >= 1
    (conflict,) = answer["conflicts"]
    assert conflict["code"] == "spinning-waits"
    (checked,) = json.loads(command("check", "--json", env=TROUBLE).stdout)
    assert checked == conflict


def test_a_variable_that_the_report_brings_about_is_not_told() -> None:
    name = "KMP_DUPLICATE_LIB_OK"
    assert name not in json.loads(command("report", "--json").stdout)["environment"]
    given = command("report", "--json", env={name: "True"}).stdout
    assert json.loads(given)["environment"][name] == "True"


def test_p8_the_page_says_what_is_wrong_and_what_to_type() -> None:
    result = command("report", env=TROUBLE)
    assert (result.returncode, result.stderr) == (0, "")
    assert "libgomp.so.1" in result.stdout
    assert "OMP_WAIT_POLICY=active" in result.stdout
    conflicts = result.stdout.partition("\nConflicts: 1\n")[2].split()
    assert conflicts[:2] == ["moderate", "spinning-waits"]
    assert conflicts[-3:] == ["remedy", "unset", "OMP_WAIT_POLICY"]


def test_p8_the_page_of_nothing_imported_says_how_to_import() -> None:
    page = command("report").stdout
    assert "numba-ompsafe report --import torch,numba" in " ".join(page.split())
    assert page.endswith("\nNo conflicts\n")
    assert "Nothing was imported" not in command("report", "--import", "json").stdout


def test_p8_a_check_of_nothing_imported_says_how_to_import() -> None:
    said = " ".join(command("check").stdout.split())
    assert said.startswith("No conflicts Nothing was imported.")
    assert said.endswith("numba-ompsafe check --import torch,numba")
    assert command("check", "--import", "json").stdout == "No conflicts\n"


@pytest.mark.parametrize(
    ("env", "options", "status", "said"),
    [
        ({}, [], 0, "No conflicts"),
        (TROUBLE, [], 1, "spinning-waits"),
        (TROUBLE, ["--json"], 1, "spinning-waits"),
        (TROUBLE, ["--ignore", "two-runtimes"], 1, "spinning-waits"),
        (TROUBLE, ["--ignore", "spinning-waits"], 0, "No conflicts"),
        (TROUBLE, ["--ignore", "two-runtimes", "--ignore", "spinning-waits"], 0, "No conflicts"),
        ({}, ["--json"], 0, "[]"),
    ],
)
def test_p8_the_exit_status_of_check_says_whether_there_is_a_conflict(
    env: dict[str, str], options: list[str], status: int, said: str
) -> None:
    result = command("check", *options, env=env)
    assert (result.returncode, result.stderr) == (status, "")
    assert said in result.stdout


@pytest.mark.parametrize("arguments", ["report", "report --json", "check", "--help"])
def test_a_reader_that_has_read_enough_gets_no_complaint(arguments: str) -> None:
    # The reader has gone before the first word is written.
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as closed:
        result = subprocess.run(
            [*SCRIPT, *arguments.split()],
            env=clean_environment(**TROUBLE),
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    assert result.stderr == b""
    assert result.returncode == (1 if arguments == "check" else 0)


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">&-", 1, ""),
        (">/dev/full", 2, "numba-ompsafe: cannot write the output: No space left on device\n"),
    ],
)
def test_p8_an_output_that_cannot_be_written(redirection: str, status: int, said: str) -> None:
    result = execute(["sh", "-c", f"'{SCRIPT[0]}' check {redirection}"], TROUBLE)
    assert (result.returncode, result.stderr) == (status, said)


@pytest.mark.needs_torch
@pytest.mark.parametrize("layer", ["omp", "ompsafe", "tbb", "workqueue"])
def test_p8_the_report_works_under_every_layer(layer: str) -> None:
    env = {"NUMBA_THREADING_LAYER": layer, "OMP_NUM_THREADS": "1"}
    result = command("report", "--import", "numba,torch", env=env)
    assert (result.returncode, result.stderr) == (0, "")
    page = " ".join(result.stdout.split())
    assert f"layer none yet (asked for: {layer})" in page
    if layer == "omp":
        assert "omp-overwrites" in page
        assert page.endswith("remedy NUMBA_THREADING_LAYER=ompsafe python app.py")
    else:
        assert page.endswith("No conflicts")


@pytest.mark.needs_torch
def test_p8_the_report_says_what_numbas_omp_did_to_torchs_count(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import torch; torch.set_num_threads(7); torch.ones(1_000_000).sum()\n"
        "import kernels; kernels.launch()\n"
    )
    env = {"NUMBA_THREADING_LAYER": "omp", "NUMBA_NUM_THREADS": "2"}
    result = command("check", "--import", "train", env=env, cwd=tmp_path)
    assert result.returncode == 1
    page = " ".join(result.stdout.split())
    assert "severe omp-overwrites found" in page
    assert "changed the count of torch from 7 to 2" in page
    assert page.endswith("remedy NUMBA_THREADING_LAYER=ompsafe python app.py")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "left to the OpenMP runtime"),
        ({"NUMBA_THREADING_LAYER": "omp"}, "left to the OpenMP runtime"),
        ({"NUMBA_THREADING_LAYER": "ompsafe"}, "ended before a fork"),
        ({"NUMBA_THREADING_LAYER": "ompsafe", "NUMBA_OMPSAFE_FORK": "0"}, "left alone"),
        (
            {"NUMBA_THREADING_LAYER": "ompsafe", "NUMBA_OMPSAFE_FORK": "no"},
            "NUMBA_OMPSAFE_FORK='no",
        ),
        ({"NUMBA_OMPSAFE_AS_OMP": "yes"}, "NUMBA_OMPSAFE_AS_OMP='yes' is not understood"),
    ],
)
def test_what_becomes_of_pools_at_a_fork_is_told_for_the_layer_to_come(
    env: dict[str, str], said: str
) -> None:
    assert said in json.loads(command("report", "--json", env=env).stdout)["forks"]


def test_what_a_terminal_cannot_show_is_shown_as_it_can() -> None:
    environment = {os.fsencode(name): os.fsencode(v) for name, v in clean_environment().items()}
    environment[b"OMP_PLACES"] = b"\xff"
    environment[b"PYTHONIOENCODING"] = b"ascii"
    result = subprocess.run(
        [*SCRIPT, "report"], env=environment, capture_output=True, timeout=120, check=False
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert rb"OMP_PLACES=\udcff" in result.stdout


def on_terminal(env: dict[str, str]) -> str:
    """Return what ``check`` writes to a terminal."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made: {error}")
    with subprocess.Popen(
        [*SCRIPT, "check"],
        env=clean_environment(TERM="xterm", **TROUBLE) | env,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    ) as process:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 4096):
                parts.append(part)
        except OSError:  # Linux's way to say that the other end is closed
            pass
        os.close(ours)
        assert process.wait(120) == 1
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_colours_are_for_terminals_that_want_them() -> None:
    plain = command("check", env=TROUBLE).stdout
    assert "\033" not in plain
    coloured = on_terminal({})
    assert coloured.count("\033") == 2
    assert "\033[33mmoderate\033[0m" in coloured
    assert on_terminal({"NO_COLOR": "1"}) == plain
    assert on_terminal({"TERM": "dumb"}) == plain
    assert on_terminal({"NO_COLOR": ""}) == coloured
