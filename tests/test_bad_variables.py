"""P8: a variable with a value that means nothing is named by an error or a conflict, never obeyed.

Each process forks for every value: the child reads it as a process that starts with it would.
"""

import pytest
from harness.processes import run_python

BEGIN = """
import json
from bad_variables import *
from hypothesis import strategies as st
"""
END = "\nprint(json.dumps(True))"

# What a switch says, whatever the layer that is launched.
SWITCHES = """
def check(name, value, layer):
    variables = {"NUMBA_OMPSAFE_WARN": "1", name: value, "NUMBA_THREADING_LAYER": layer}
    variables["NUMBA_NUM_THREADS"] = "1"
    found = outcome(variables)
    told = (variables, found)
    code = found["conflicts"].get("variable-not-understood")
    if value in ("", "0", "1"):
        assert code is None and found["error"] is None, told
        return
    severity, words = code
    assert name in words and repr(value)[:50] in words and len(words) < 500, told
    assert found["error"] is None or severity == "severe", told
    if layer in ASKED[name]:
        assert found["error"].startswith(f"ValueError: {name}={value!r}"[:80]), told
        assert "is not understood: set it to" in found["error"], told
        assert len(found["error"]) < 400, told
    else:
        assert (found["error"], found["layer"]) == (None, layer), told

ASKED = {
    "NUMBA_OMPSAFE_AS_OMP": ("omp", "default", "threadsafe"),
    "NUMBA_OMPSAFE_FORK": ("ompsafe",),
    "NUMBA_OMPSAFE_WARN": ("ompsafe",),
}

@of_every(st.tuples(
    st.sampled_from(sorted(ASKED)),
    st.sampled_from(["", "0", "1", "yes", "on", " 1", "2", "01", "\u0661", "x" * 5000]) | anything,
    st.sampled_from(["ompsafe", "omp", "workqueue", "threadsafe"]),
), 40)
def switches(case):
    name, value, layer = case
    if layer == "threadsafe" and name != "NUMBA_OMPSAFE_AS_OMP":
        layer = "omp"
    check(name, value, layer)

switches()
for name in ASKED:
    for layer in ("ompsafe", "omp", "workqueue"):
        check(name, "no", layer)
"""

MISSPELT = """
found = outcome({"NUMBA_OMPSAFE_FORKS": "0", "NUMBA_NUM_THREADS": "1"})
severity, words = found["conflicts"]["variable-not-understood"]
assert severity == "moderate" and "NUMBA_OMPSAFE_FORKS='0'" in words, words
assert "unset NUMBA_OMPSAFE_FORKS; there are NUMBA_OMPSAFE_AS_OMP, NUMBA_OMPSAFE_FORK" in words
"""

NUMBAS_COUNT = """
@of_every(numbers | anything | st.integers(-5, 8).map(str), 50)
def counts(value):
    found = outcome({"NUMBA_NUM_THREADS": value})
    told = (value, found)
    code = found["conflicts"].get("variable-not-understood")
    try:
        number = int(value)
    except ValueError:
        assert code and code[0] == "moderate" and "could not be parsed" in found["said"], told
        assert found["error"] is None and "NUMBA_NUM_THREADS" in found["said"], told
        return
    if 1 <= number <= 2**22:
        assert (code, found["error"], found["count"]) == (None, None, number), told
        return
    severity, words = code
    assert severity == "severe" and f"NUMBA_NUM_THREADS={value!r}"[:50] in words, told
    assert found["error"].startswith("ValueError: numba.config.NUMBA_NUM_THREADS is "), told
    assert "between 1 and 4194304: set the environment variable" in found["error"], told
    assert len(found["error"]) < 400, told

counts()
"""

OPENMPS_COUNT = """
import re

@of_every(numbers | anything | st.from_regex(r"[0-9]{1,3}(,[0-9 ]{1,3}){0,2}", fullmatch=True), 40)
def counts(value):
    found = outcome({"OMP_NUM_THREADS": value})
    told = (value, found)
    if int_of(value) < -2**63:  # strtoul takes it for a small positive one
        return
    limit = numba.config.NUMBA_NUM_THREADS
    assert found["error"] is None and 1 <= found["count"] <= limit, told
    code = found["conflicts"].get("variable-not-understood")
    refused = "Invalid value for environment variable OMP_NUM_THREADS" in found["said"]
    if not value.strip():
        assert code is None, told
        return
    assert refused == (code is not None), told
    if refused:
        severity, words = code
        assert severity == "moderate" and "OMP_NUM_THREADS=" in words, told
        assert len(words) < 400, told
    else:
        first = int(re.match(r"\\s*[+]?([0-9]+)", value)[1])
        assert found["count"] == min(first, limit), told

counts()
"""

LIMIT = """
@of_every(numbers | anything, 25)
def limits(value):
    found = outcome({"OMP_THREAD_LIMIT": value})
    told = (value, found)
    if int_of(value) < -2**63:
        return
    assert (found["error"], found["count"]) == (None, numba.config.NUMBA_NUM_THREADS), told
    code = found["conflicts"].get("variable-not-understood")
    refused = "Invalid value for environment variable OMP_THREAD_LIMIT" in found["said"]
    assert not value.strip() or refused == (code is not None), told

limits()
"""

LAYERS = """
from numba_ompsafe._report.facts.layer import LAYERS, WORDS

names = st.sampled_from([*LAYERS, *WORDS, "OmpSafe", "OMP", " omp", "ompsafe ", "openmp"])
lists = st.builds(
    lambda parts, by: by.join(parts),
    st.lists(st.sampled_from([*LAYERS, "OMPSAFE", "openmp"]) | anything, max_size=5),
    st.sampled_from([" ", "  ", ",", ", ", ":"]),
)

@of_every(st.tuples(names | anything, lists | st.permutations(LAYERS).map(" ".join)), 120)
def layers(case):
    layer, priority = case
    found = outcome({
        "NUMBA_THREADING_LAYER": layer,
        "NUMBA_THREADING_LAYER_PRIORITY": priority,
        "NUMBA_NUM_THREADS": "1",
    })
    told = (case, found)
    code = found["conflicts"].get("layer-not-running")
    wanted = layer.lower()
    if found["error"] is None:
        assert code is None, told
        by_word = priority.split() if wanted == "default" else LAYERS if wanted in WORDS else ()
        assert found["layer"] in (wanted, *by_word), told
        return
    assert found["error"].startswith("ValueError: "), told
    # Whether TBB can be loaded is not tried.
    if "tbb" not in found["error"].lower() or "invalid" in found["error"]:
        assert code and code[0] == "severe", told
        asked = priority.split() if wanted == "default" else [wanted]
        strange = [name for name in asked if name not in (*LAYERS, *WORDS)]
        named = strange or [" ".join(priority.split())]
        assert any(repr(name)[:50] in code[1] for name in named), told
    if any("ompsafe" in name.lower() for name in priority.split()) and wanted == "default":
        assert str(priority.split()) in found["error"], told
        assert 'NUMBA_THREADING_LAYER_PRIORITY="ompsafe omp"' in found["error"], told

layers()
"""


@pytest.mark.parametrize("code", [SWITCHES, MISSPELT], ids=["a value", "a name"])
def test_p8_a_switch_that_means_nothing_is_named_by_the_report_and_by_whoever_reads_it(
    code: str,
) -> None:
    assert run_python(BEGIN + code + END, layer=None) is True


def test_p8_numbas_count_is_a_number_or_an_error_that_names_it() -> None:
    assert run_python(BEGIN + NUMBAS_COUNT + END) is True


@pytest.mark.parametrize("code", [OPENMPS_COUNT, LIMIT], ids=["the count", "the limit"])
def test_p8_what_an_openmp_runtime_refuses_is_named_and_no_other_count_follows(code: str) -> None:
    assert run_python(BEGIN + code + END) is True


def test_p8_a_layer_or_list_that_means_nothing_is_an_error_and_told_before() -> None:
    assert run_python(BEGIN + LAYERS + END, layer=None) is True
