"""P7, P8: a Numba that looks different inside goes on as without the package, and one is told."""

from pathlib import Path
from typing import Any

import pytest
from harness.changed_numba import make
from harness.processes import SUPPORT, run_python

# What may be another one in a later Numba.
CHANGES = {
    "a name": ("_load_threading_functions", "_load_functions"),
    "arguments": (
        "def build_gufunc_kernel(library, ctx, info, sig, inner_ndim)",
        "def build_gufunc_kernel(library, ctx, info, sig, inner_ndim, more=None)",
    ),
}

CODE = """
import json, warnings
seen = warnings.catch_warnings(record=True).__enter__()
warnings.simplefilter("always")
import numba, numba_ompsafe, kernels

def told(call):
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

print(json.dumps({
    "numba": numba.__file__,
    "expected": numba_ompsafe.report().layer.expected,
    "launched": told(lambda: len(kernels.ids_and_masks(100)[1])),
    "layer": told(numba.threading_layer),
    "conflicts": [one.code for one in numba_ompsafe.report().conflicts],
    "enabled": told(numba_ompsafe.enable),
    "warned": [f"{one.filename}, {type(one.message).__name__}: {one.message}" for one in seen],
}))
"""


def outcome(numba: Path, env: dict[str, str] | None = None, layer: str | None = None) -> Any:
    """Return what a process tells that imports the Numba of a folder."""
    where = {"PYTHONPATH": f"{numba}:{SUPPORT}", "NUMBA_CACHE_DIR": str(numba / "cache")}
    found = run_python(CODE, where | {"NUMBA_OMPSAFE_WARN": "1"} | (env or {}), layer=layer)
    assert found["numba"].startswith(str(numba))
    return found


@pytest.fixture(params=CHANGES.values(), ids=CHANGES)
def changed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    make(tmp_path, *request.param)
    return tmp_path


def test_p8_whoever_asks_for_the_layer_is_told(changed: Path) -> None:
    found = outcome(changed, layer="ompsafe")
    (words,) = found["warned"]
    assert words.startswith(
        "<string>, ThreadConfigWarning: numba-ompsafe 0.1.0 does not know Numba"
    )
    assert "pip install 'numba<0.69'" in words
    assert found["launched"].startswith("ValueError: ")  # Numba's own
    assert found["conflicts"] == ["layer-not-running"]
    assert found["enabled"].startswith("RuntimeError: numba-ompsafe 0.1.0 does not know Numba")


def test_p8_the_warning_is_silenced_as_the_others_are(changed: Path) -> None:
    assert outcome(changed, {"NUMBA_OMPSAFE_WARN": "0"}, "ompsafe")["warned"] == []


@pytest.mark.parametrize("as_omp", ["0", "1"])
def test_p7_numba_launches_a_layer_of_its_own(changed: Path, as_omp: str) -> None:
    found = outcome(changed, {"NUMBA_OMPSAFE_AS_OMP": as_omp}, "omp")
    assert found["launched"] == 100
    assert found["layer"] == found["expected"] == "omp"
    assert len(found["warned"]) == int(as_omp)


def test_p8_a_function_that_a_layer_lacks_is_named(tmp_path: Path) -> None:
    begin = "def _load_threading_functions(lib):\n"
    make(tmp_path, begin, begin + "    lib.get_more\n")
    launched = outcome(tmp_path, layer="ompsafe")["launched"]
    assert launched.startswith("ValueError: numba-ompsafe 0.1.0 does not know Numba")
    assert "get_more" in launched
