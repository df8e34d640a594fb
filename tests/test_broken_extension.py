"""P8: a package whose extension does not load says so, and what to do."""

import shutil
from pathlib import Path

import pytest
from harness.processes import SUPPORT, run_python

CODE = """
import json, numba, numba_ompsafe
before = [str(one) for one in numba_ompsafe.report().conflicts]
try:
    numba.get_num_threads()
    raised = ""
except Exception as error:
    raised = f"{type(error).__name__}: {error}"
print(json.dumps([numba_ompsafe.__path__, before, raised]))
"""


@pytest.fixture(params=["not there", "of another machine"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with a copy of the package that has no good extension."""
    package = Path(
        run_python("import json, numba_ompsafe; print(json.dumps(numba_ompsafe.__path__))")[0]
    )
    copy = shutil.copytree(package, tmp_path / package.name)
    (extension,) = copy.glob("_core*.so")
    extension.unlink()
    if request.param != "not there":
        extension.write_bytes(b"MZ")
    return tmp_path


def outcome(folder: Path, layer: str) -> tuple[list[str], str]:
    env = {"PYTHONPATH": f"{folder}:{SUPPORT}"}
    path, conflicts, raised = run_python(CODE, env, layer=layer)
    assert path == [str(folder / "numba_ompsafe")]
    return conflicts, raised


def test_p8_who_asks_for_the_layer_is_told(folder: Path) -> None:
    (conflict,), raised = outcome(folder, "ompsafe")
    assert conflict.startswith("layer-not-running: the extension module of numba-ompsafe does not")
    assert conflict.endswith("Remedy: pip install --force-reinstall numba-ompsafe")
    assert raised.startswith("ValueError: the extension module of numba-ompsafe does not load (")


def test_p7_other_layers_run(folder: Path) -> None:
    assert outcome(folder, "workqueue") == ([], "")
