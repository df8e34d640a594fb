"""``numba-ompsafe run`` is ``python``, with the layer selected."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness.commands import MODULE, SCRIPT, execute
from harness.processes import SUPPORT, clean_environment

RUN = (*SCRIPT, "run")

SPEAKS = """
import os, signal, sys
print(sys.argv, sys.path, __name__, sys.flags, sys.warnoptions, sys._xoptions)
print(globals().get("__file__"), __spec__ and __spec__.name, sys.modules["__main__"].__doc__)
print(sys.executable, sys.prefix, sys.stdin.read(), sorted(os.listdir("/proc/self/fd")))
print([signal.getsignal(number) for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)])
other = {"NUMBA_THREADING_LAYER"}
print(sorted((name, value) for name, value in os.environ.items() if name not in other))
"""

ENDINGS = {
    "comes to its end": "print('done')",
    "sys.exit": "import sys; sys.exit(3)",
    "sys.exit with a message": "import sys; sys.exit('for a reason')",
    "SystemExit": "raise SystemExit(4)",
    "an exception": "def f():\n    raise ValueError('why')\nf()",
    "a chain of exceptions": "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError() from e",
    "a syntax error": "x = = 2",
    "os._exit": "import os; os._exit(5)",
    "os.abort": "import os; os.abort()",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "KeyboardInterrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT); input()",
    "at exit": "import atexit; atexit.register(print, 'after'); raise SystemExit(6)",
    "in another thread": "import threading; threading.Thread(target=print, args='x').start()",
}


def outcomes(
    program: Sequence[str], cwd: Path, options: Sequence[str] = ()
) -> list[tuple[int, str, str]]:
    """Return what becomes of a program under ``python``, and under the command in both forms."""
    python = (sys.executable, *options)
    forms: list[Sequence[str]] = [python, (*python, "-m", "numba_ompsafe", "run")]
    if not options:
        # The script's first line may have another name of this interpreter, which would be told.
        forms.append((*python, *RUN))
    results = [execute([*form, *program], cwd=cwd, stdin="said") for form in forms]
    return [(result.returncode, result.stdout, result.stderr) for result in results]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with a program in all the forms that python runs."""
    (tmp_path / "app.py").write_text('"""A program."""\n' + SPEAKS)
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(SPEAKS)
    (package / "module.py").write_text(SPEAKS)
    return tmp_path


@pytest.mark.parametrize(
    "program",
    [
        ["app.py"],
        ["./app.py", "--help", "-m", "x", "--", "--version"],
        ["package/module.py", "run", "report"],
        ["package"],
        ["package", "--json"],
        ["-m", "app", "-h"],
        ["-m", "package", "--pid", "1"],
        ["-m", "package.module", "run", "-m", "app"],
        ["-m", "nosuchmodule"],
        ["nosuchfile.py"],
        ["app.py", "ü", "a b", "", "*"],
    ],
    ids=" ".join,
)
def test_run_starts_a_program_as_python_does(program: list[str], app: Path) -> None:
    expected, *seen = outcomes(program, app)
    assert seen == [expected] * 2


@pytest.mark.parametrize(
    "options",
    [["-X", "dev"], ["-W", "error", "-u"], ["-uB"], ["-P"], ["-I"], ["-O", "-X", "utf8=1"]],
    ids=" ".join,
)
def test_run_passes_on_the_options_of_python(options: list[str], app: Path) -> None:
    expected, seen = outcomes(["app.py", "-x"], app, options)
    assert seen == expected


@pytest.mark.parametrize("form", [["-um", "numba_ompsafe"], ["-mnumba_ompsafe"]], ids=" ".join)
def test_run_knows_itself_however_python_was_told_of_it(form: list[str], app: Path) -> None:
    expected = execute([sys.executable, *(["-u"] if "-um" in form else []), "app.py"], cwd=app)
    seen = execute([sys.executable, *form, "run", "app.py"], cwd=app)
    assert (seen.stdout, seen.stderr) == (expected.stdout, expected.stderr)


@pytest.mark.parametrize("ending", ENDINGS)
def test_run_ends_as_python_does(ending: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ENDINGS[ending])
    expected, *seen = outcomes(["app.py"], tmp_path)
    assert seen == [expected] * 2


def test_run_is_the_program_to_whoever_sends_signals(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print(os.getpid(), flush=True)\n"
        "while True:\n"
        "    time.sleep(0.1)  # not one sleep: a signal just before it does not end it\n"
    )
    with subprocess.Popen(
        [*RUN, "app.py"],
        env=clean_environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 7


def test_run_selects_the_layer_for_the_program_and_its_processes(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import multiprocessing, subprocess, sys\n"
        "import kernels, numba\n"
        "\n"
        "def layer(_):\n"
        "    kernels.launch()\n"
        "    return numba.threading_layer()\n"
        "\n"
        "if __name__ == '__main__':\n"
        "    print(layer(0))\n"
        "    for method in ('fork', 'spawn', 'forkserver'):\n"
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            print(pool.map(layer, [0])[0])\n"
        "    code = 'import app; print(app.layer(0))'\n"
        "    subprocess.run([sys.executable, '-c', code], check=True)\n"
    )
    for program in (["app.py"], ["-m", "app"]):
        result = execute([*RUN, *program], cwd=tmp_path, env={"NUMBA_THREADING_LAYER": "omp"})
        assert result.stdout.split() == ["ompsafe"] * 5, result.stderr


@pytest.mark.parametrize("arguments", [[], ["-m"], ["--json", "app.py"], ["-c", "1"], ["-"]])
def test_p8_run_without_a_program_says_in_one_line_what_it_wants(arguments: list[str]) -> None:
    result = execute([*RUN, *arguments])
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("numba-ompsafe run: name a program to run")
    assert "app.py or -m module" in line


def test_p8_a_program_that_cannot_be_started_is_one_line() -> None:
    # More than the system passes to a program, in one argument.
    code = (
        "import sys; sys.argv = ['numba-ompsafe', 'run', 'app.py', 'x' * 10**7]; "
        "sys.orig_argv = [sys.executable, *sys.argv]; "
        "from numba_ompsafe._command import main; main()"
    )
    result = execute([sys.executable, "-c", code])
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "cannot run" in result.stderr
    assert "Argument list too long" in result.stderr


def test_run_help_is_the_commands_and_not_the_programs() -> None:
    for option in ("-h", "--help"):
        result = execute([*RUN, option])
        assert result.returncode == 0
        assert "python -X dev -m numba_ompsafe run app.py" in " ".join(result.stdout.split())
    assert execute([*MODULE, "run", "--help"], cwd=SUPPORT.parent).stdout == result.stdout
