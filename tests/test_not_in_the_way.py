"""P7: another layer selected, and Numba is untouched; no Numba, and Python is unburdened."""

import shutil
import sys
from pathlib import Path

import pytest
from harness.processes import ROOT, SITE_PACKAGES, START_UP_FILE, START_UP_FILES, run_python

LAYERS = [None, "omp", "workqueue", "tbb"]

# What Numba does with a layer, as far as an application can see: its answers, its error, what is
# loaded, and what becomes of the process's OpenMP settings.
BEHAVIOUR = """
import json, sys
import numba, numpy as np, openmp
from python_threads import on_new_thread
from numba.core import config
before = openmp.runtimes()
try:
    import kernels
    counts = [numba.get_num_threads(), kernels.launch()]
    counts.append(on_new_thread(numba.get_num_threads))
    answer = numba.threading_layer()
except ValueError as error:
    counts, answer = [], str(error)
icvs = openmp.the_one().icvs() if openmp.runtimes() else None
module = sys.modules["numba.np.ufunc.parallel"]
print(json.dumps([
    answer, counts, icvs, before, openmp.runtimes(), config.THREADING_LAYER_PRIORITY,
    type(module.__spec__.loader).__name__, type(module.__loader__).__name__,
    "numba_ompsafe._core" in sys.modules,
]))
"""


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("env", [{}, {"OMP_NUM_THREADS": "3"}, {"NUMBA_NUM_THREADS": "5"}])
def test_p7_other_layers_behave_as_without_the_package(
    layer: str | None, env: dict[str, str]
) -> None:
    # -S reads no start-up files: there is no package in that process.
    without = (
        f"import sys; sys.path += {SITE_PACKAGES}; sys.modules['numba_ompsafe'] = None\n"
        + BEHAVIOUR
    )
    behaviour = run_python(BEHAVIOUR, env, layer=layer)
    # The entry point of the missing package makes Numba warn when it first compiles.
    expected = run_python(
        "import warnings; warnings.simplefilter('ignore'); " + without,
        env,
        layer=layer,
        options=("-S",),
    )
    assert behaviour == expected
    assert not behaviour[-1]


def test_p7_an_interpreters_start_imports_nothing_more() -> None:
    root = str(Path(sys.modules["numba_ompsafe"].__path__[0]).parent)
    code = f"""
    import os, sys  # os is there at every start: site needs it
    sys.path.append({root!r})
    before = set(sys.modules)
    from numba_ompsafe._startup import register_finder
    register_finder()
    after = set(sys.modules)
    import json
    print(json.dumps(sorted(after - before)))
    """
    # As bare as an interpreter can be: what site imports is not there to hide an import.
    added = run_python(code, options=("-S", "-I"))
    assert added == ["numba_ompsafe", "numba_ompsafe._startup"]


@pytest.fixture
def start_up_files(tmp_path: Path) -> str:
    """A folder with the start-up files, for an interpreter that has read none (``-S``)."""
    for name in START_UP_FILES:
        shutil.copy(ROOT / name, tmp_path)
    return str(tmp_path)


def test_p7_a_start_registers_the_finder_once(start_up_files: str) -> None:
    # As where a virtual environment's lib64 is its lib.
    code = f"""
    import json, site, sys
    sys.path += {SITE_PACKAGES}
    for _ in range(2):
        site.addsitedir({start_up_files!r})
    print(json.dumps([type(finder).__name__ for finder in sys.meta_path].count("NumbaFinder")))
    """
    assert run_python(code, options=("-S", "-I")) == 1


def test_p7_an_error_at_the_start_does_not_break_it(start_up_files: str) -> None:
    code = f"""
    import contextlib, io, json, site, sys
    sys.modules["numba_ompsafe"] = None
    with contextlib.redirect_stderr(io.StringIO()) as said:  # by Python itself, of a .start file
        site.addsitedir({start_up_files!r})
    print(json.dumps(said.getvalue()))
    """
    said = run_python(code, options=("-S", "-I"))
    assert ("numba_ompsafe" in said) == (START_UP_FILE == "numba_ompsafe.start")


# As they may be had: what is read of the machine is another one's.
UNSUPPORTED = """
import contextlib, io, json, os, sys
machine = os.uname()
os.uname = lambda: type("", (), {"machine": "riscv64"})
sys.path += %s
"""


def test_p7_p8_on_an_unsupported_machine_numba_is_left_alone_and_whoever_asks_is_told() -> None:
    code = (
        UNSUPPORTED % SITE_PACKAGES
        + """
import numba_ompsafe
from numba_ompsafe import _startup
_startup.register_finder()
os.uname = lambda: machine
import kernels, numba
kernels.launch()
answers = [numba.threading_layer()]
for name in ("threads", "enable", "report"):
    try:
        getattr(numba_ompsafe, name)
    except ImportError as error:
        answers.append(str(error))
from numba_ompsafe._command import main
with contextlib.redirect_stderr(io.StringIO()) as said:
    try:
        main(["report"])
    except SystemExit as end:
        answers += [end.code, said.getvalue()]
found = [type(one).__module__ for one in sys.meta_path]
print(json.dumps([answers, "numba_ompsafe._startup" in found]))
"""
    )
    sentence = "numba-ompsafe supports Linux on x86-64 and aarch64 only; Numba's own threading"
    (layer, *told, status, line), registered = run_python(
        code, {"NUMBA_THREADING_LAYER": "workqueue"}, layer=None, options=("-S", "-W", "error")
    )
    assert (layer, status, registered) == ("workqueue", 2, False)
    assert len(told) == 3
    assert all(one.startswith(sentence) for one in told)
    assert line.startswith(f"numba-ompsafe: {sentence}")
