"""P8: Numba's config file may say anything: what is no layer or count is named, or Numba warns."""

from harness.processes import run_python

CODE = """
import json, os, pathlib
from bad_variables import *
from hypothesis import strategies as st

values = st.sampled_from(
    "ompsafe|OmpSafe|omp|workqueue|default|nonsense|off|null|5|2.5|.inf|[omp]|{a: b}|!!binary YQ=="
    "|2024-01-01|'ompsafe omp'|[ompsafe, omp]|-1|0|2|9999999999999999999999|''".split("|")
)

@of_every(st.fixed_dictionaries(
    {"threading_layer": values},
    optional={
        "threading_layer_priority": values, "num_threads": values, "ompsafe_as_omp": values
    },
), 25)
def check(settings):
    lines = [f"{name}: {value}" for name, value in settings.items()]
    pathlib.Path(".numba_config.yaml").write_text("\\n".join(lines))
    found = outcome({})
    told = (settings, found)
    error, layer = found["error"], found["layer"]
    severe = [words for severity, words in found["conflicts"].values() if severity == "severe"]
    if error is None:
        assert layer in ("ompsafe", "omp", "workqueue"), told
        assert not any(word.startswith("layer-not-running") for word in severe), told
        said = settings["threading_layer"].lower()
        if said in ("ompsafe", "omp", "workqueue"):
            assert layer == said, told
    else:
        assert error.startswith("ValueError: "), told
        named = ("threading layer", "THREADING_LAYER_PRIORITY", "NUMBA_NUM_THREADS")
        assert any(name in error for name in named), told
        if "NUMBA_NUM_THREADS" not in error:
            assert any(word.startswith("layer-not-running") for word in severe), told

check()
pathlib.Path(".numba_config.yaml").unlink()
print(json.dumps(True))
"""


def test_p8_a_config_file_that_means_nothing_is_named(tmp_path: object) -> None:
    assert run_python(CODE, layer=None, cwd=tmp_path) is True  # type: ignore[arg-type]
