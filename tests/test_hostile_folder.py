"""Nothing is loaded from the current folder that Python itself would not load from there.

What lies there has the names of what the package looks for, and leaves a mark where it is loaded.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from harness.commands import SCRIPT, execute

LIBRARIES = (
    "libgomp.so.1",
    "libomp.so.5",
    "libomp.so",
    "libiomp5.so",
    "libtorch_cpu.so",
    "torch/lib/libgomp.so.1",
    "torch/lib/libgomp-0123.so.1",
    "torch.libs/libgomp-0123.so.1",
    "lib/libiomp5.so",
)
MODULES = (
    "torch/__init__.py",
    "numba_ompsafe.py",
    "numba.py",
    "threadpoolctl.py",
    "yaml.py",
    "psutil.py",
    "tbb.py",
    "json.py",
    "argparse.py",
    "sitecustomize.py",
)
LAYER = {"NUMBA_THREADING_LAYER": "ompsafe"}
USES_ALL = """
import numba, numba_ompsafe
numba.get_num_threads()
with numba_ompsafe.threads(1):
    numba_ompsafe.report()
print(numba.threading_layer())
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[Sequence[str], Sequence[str]], list[str]]:
    """Runs a command line in a folder that holds such files; returns which were loaded."""
    marks = tmp_path / "marks"
    marks.mkdir()
    folder = tmp_path / "hostile"

    def run(command: Sequence[str], files: Sequence[str]) -> list[str]:
        for name in files:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            mark = marks / name.replace("/", ":")
            if file.suffix == ".py":
                file.write_text(f"open({str(mark)!r}, 'w').close()\n")
            else:
                _library(file, mark)
        result = execute(command, LAYER, cwd=folder)
        assert result.returncode == 0, result.stderr
        assert result.stdout
        return sorted(mark.name for mark in marks.iterdir())

    return run


def _library(file: Path, mark: Path) -> None:
    """Make a library that is taken for an OpenMP runtime and marks that it was loaded."""
    source = f"""
    #include <fcntl.h>
    #include <unistd.h>
    __attribute__((constructor)) static void mark(void) {{
      close(open("{mark}", O_CREAT | O_WRONLY, 0600));
    }}
    void GOMP_parallel(void (*f)(void*), void* d, unsigned n, unsigned g) {{ f(d); }}
    """
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-o", file, "-"], input=source, text=True, check=True
    )


def test_the_marks_are_left(loaded: Callable[[Sequence[str], Sequence[str]], list[str]]) -> None:
    code = "import ctypes, torch; ctypes.CDLL('./libgomp.so.1'); print('loaded')"
    found = loaded([sys.executable, "-c", code], (*LIBRARIES, "torch/__init__.py"))
    assert found == ["libgomp.so.1", "torch:__init__.py"]


def test_no_library_is_loaded_from_the_current_folder(
    loaded: Callable[[Sequence[str], Sequence[str]], list[str]],
) -> None:
    # Modules are found there by Python, under -c; a torch that nobody imports is none's.
    found = loaded([sys.executable, "-c", USES_ALL], (*LIBRARIES, "torch/__init__.py"))
    assert found == []


@pytest.mark.parametrize("options", [["-P"], ["-I"]])
def test_nothing_is_loaded_from_it_under_python_that_leaves_it_out(
    loaded: Callable[[Sequence[str], Sequence[str]], list[str]], options: list[str]
) -> None:
    assert loaded([sys.executable, *options, "-c", USES_ALL], (*LIBRARIES, *MODULES)) == []


@pytest.mark.parametrize("how", [[sys.executable], [*SCRIPT, "run"]], ids=["python", "run"])
def test_nothing_is_loaded_from_it_by_a_program_elsewhere(
    loaded: Callable[[Sequence[str], Sequence[str]], list[str]], how: list[str], tmp_path: Path
) -> None:
    program = tmp_path / "elsewhere" / "app.py"
    program.parent.mkdir()
    program.write_text(USES_ALL)
    assert loaded([*how, str(program)], (*LIBRARIES, *MODULES)) == []


@pytest.mark.parametrize("arguments", ["report", "report --json", "--help"])
def test_nothing_is_loaded_from_it_by_the_command(
    loaded: Callable[[Sequence[str], Sequence[str]], list[str]], arguments: str
) -> None:
    assert loaded([*SCRIPT, *arguments.split()], (*LIBRARIES, *MODULES)) == []


def test_the_command_imports_from_it_what_it_is_told_to_and_no_more(
    loaded: Callable[[Sequence[str], Sequence[str]], list[str]],
) -> None:
    found = loaded([*SCRIPT, "report", "--import", "psutil"], (*LIBRARIES, *MODULES))
    assert found == ["psutil.py"]
