"""P8: whatever is on the command line, it does that or says in one line why not: never a traceback.

The lines are read in forks of one process, but where it matters how they are started.
"""

import json
from pathlib import Path

import pytest
from harness.commands import command
from harness.processes import run_python

ANY_LINE = """
import json
from command_lines import *

seen = set()

@of_every(lines, 120)
def check(line):
    status, out, err = end(line)
    told = (line, status, out[:1000], err[:1000])
    said = err.replace("speaks\\n", "")
    seen.add(status)
    assert "Traceback" not in err, told
    if status == 2:
        assert out == "" and said.count("\\n") == 1, told
        assert said.startswith("numba-ompsafe") and len(said) < 12_000, told
        return
    assert said == "" or "this" in " ".join(line), told
    assert status == 0 or (status == 1 and line[0] == "check"), told
    if "--json" in line and "-h" not in line and "--help" not in line:
        json.loads(out)
    else:
        assert out, told

check()
assert seen >= {0, 2}, seen
print(json.dumps(True))
"""

# Each speaks in another way while it is imported, or later.
NOISES = {
    "print": "print('noise')",
    "the descriptor": "import os; os.write(1, b'noise\\n')",
    "C": "import ctypes; ctypes.CDLL(None).puts(b'noise')",
    "a process": "import subprocess; subprocess.run(['echo', 'noise'], check=True)",
    "at the end": "import atexit; atexit.register(print, 'noise')",
    "C at the end": "import atexit, ctypes; atexit.register(ctypes.CDLL(None).puts, b'noise')",
    "a thread": "import threading, time\n"
    "threading.Thread(target=lambda: [time.sleep(1), print('noise')]).start()",
}


def test_p8_any_command_line_is_done_or_refused_in_one_line(tmp_path: Path) -> None:
    for name, text in {"raises": "1 / 0", "ends": "raise SystemExit", "speaks": ""}.items():
        (tmp_path / f"{name}.py").write_text(text or "print('speaks')")
    assert run_python(ANY_LINE, layer=None, cwd=tmp_path) is True


@pytest.mark.parametrize("how", NOISES)
@pytest.mark.parametrize("subcommand", ["report", "check"])
def test_json_is_json_whatever_an_import_writes(how: str, subcommand: str, tmp_path: Path) -> None:
    (tmp_path / "speaks.py").write_text(NOISES[how])
    result = command(subcommand, "--json", "--import", "speaks", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "noise\n")
    assert json.loads(result.stdout) is not None


def test_p8_a_module_that_is_no_file_is_run_as_one() -> None:
    result = command("run", "json", "-x")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "numba-ompsafe run: there is no file 'json' here; to run the module of that name: "
        "numba-ompsafe run -m json -x\n"
    )
    # What is neither is Python's to refuse.
    assert "can't open file" in command("run", "no_such_module").stderr


@pytest.mark.parametrize(
    ("severity", "status"), [("severe", 0), ("moderate", 1)], ids=["severe", "moderate"]
)
def test_p8_the_least_severity_that_counts_can_be_said(severity: str, status: int) -> None:
    result = command("check", "--severity", severity, env={"OMP_NUM_THREADS": "many"})
    assert (result.returncode, result.stderr) == (status, "")
    assert ("variable-not-understood" in result.stdout) == (status == 1)
