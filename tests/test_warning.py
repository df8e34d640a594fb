"""The first launch warns of a severe conflict once, and breaks over nothing."""

import pytest
from harness.processes import run_python

# A limit that is lower than the count: severe.
SEVERE = {"NUMBA_OMPSAFE_WARN": "1", "OMP_THREAD_LIMIT": "1", "NUMBA_NUM_THREADS": "2"}
CAUGHT = """
import json, warnings
seen = warnings.catch_warnings(record=True).__enter__()
warnings.simplefilter("always")
import numba, numba_ompsafe
"""
TELL = """
print(json.dumps([[type(one.message).__name__, str(one.message), one.filename, one.lineno]
    for one in seen]))
"""


def warned(code: str, env: dict[str, str], layer: str | None = "ompsafe") -> list[list[str]]:
    """Return the warnings of ``code``: class, text, file and line."""
    warnings: list[list[str]] = run_python(CAUGHT + code + TELL, env, layer=layer)
    return warnings


def test_p8_the_first_launch_warns_of_a_severe_conflict_once() -> None:
    code = "numba.get_num_threads()\nimport kernels\nkernels.launch()\nkernels.launch()"
    ((name, words, file, _),) = warned(code, SEVERE)
    assert name == "ThreadConfigWarning"
    assert "thread-limit" in words
    assert "unset OMP_THREAD_LIMIT" in words
    assert "numba_ompsafe.report()" in words
    assert "NUMBA_OMPSAFE_WARN=0" in words
    assert file == "<string>"


@pytest.mark.parametrize("layer", ["ompsafe", "omp"])
def test_p8_a_compilation_that_launches_warns_where_the_user_called(layer: str) -> None:
    code = """
@numba.njit(parallel=True)
def total(n):
    acc = 0
    for i in numba.prange(n):
        acc += i
    return acc
assert total(10) == 45  # the line that is named
assert total(10) == 45
"""
    env = SEVERE | {"NUMBA_OMPSAFE_AS_OMP": "1"}
    ((_, words, file, line),) = warned(code, env, layer)
    lines = (CAUGHT + code).splitlines()
    assert file == "<string>"
    assert "the line that is named" in lines[int(line) - 1]
    assert "thread-limit" in words


@pytest.mark.parametrize(
    ("env", "layer"),
    [
        (SEVERE | {"NUMBA_OMPSAFE_WARN": "0"}, "ompsafe"),
        ({"NUMBA_OMPSAFE_WARN": "1"}, "ompsafe"),  # a clean process
        (SEVERE, "omp"),  # not this layer
        (SEVERE, "workqueue"),
        ({"NUMBA_OMPSAFE_WARN": "1", "OMP_DYNAMIC": "true"}, "ompsafe"),  # moderate
    ],
)
def test_p8_nothing_is_warned_of(env: dict[str, str], layer: str) -> None:
    assert warned("numba.get_num_threads()", env, layer) == []


def test_p8_a_warning_that_is_an_error_leaves_the_layer_running() -> None:
    code = """
    import json, warnings, numba, numba_ompsafe
    warnings.simplefilter("error", numba_ompsafe.ThreadConfigWarning)
    try:
        numba.get_num_threads()
        raised = False
    except numba_ompsafe.ThreadConfigWarning:
        raised = True
    import kernels
    print(json.dumps([raised, kernels.launch(), numba.threading_layer()]))
    """
    assert run_python(code, SEVERE) == [True, 2, "ompsafe"]


def test_p8_a_report_that_fails_does_not_break_the_launch() -> None:
    code = """
    import json, numba
    from numba_ompsafe._report.facts import versions
    del versions.find
    import kernels
    print(json.dumps(kernels.launch()))
    """
    assert run_python(code, SEVERE) == 2


def test_p8_no_lock_is_held_while_the_user_hears_of_it() -> None:
    # A hook that waits for another thread which launches, too.
    code = """
    import json, threading, warnings, numba
    parallel = numba.np.ufunc.parallel
    heard = []
    def hook(*arguments, **named):
        def launch():
            with parallel._backend_init_thread_lock:
                heard.append(numba.get_num_threads())
        thread = threading.Thread(target=launch)
        thread.start()
        thread.join(60)
    warnings.showwarning = hook
    numba.get_num_threads()
    print(json.dumps(heard))
    """
    assert run_python(code, SEVERE) == [2]


def test_p8_nonsense_in_the_variable_is_an_error_that_names_it() -> None:
    code = """
    import json, numba
    try:
        numba.get_num_threads()
    except ValueError as error:
        print(json.dumps(str(error)))
    """
    words = run_python(code, {"NUMBA_OMPSAFE_WARN": "maybe"})
    assert "NUMBA_OMPSAFE_WARN='maybe' is not understood: set it to 0" in words
