"""The layer is selected like any layer of Numba's."""

import subprocess
from pathlib import Path

import pytest
from harness.processes import SITE_PACKAGES, run_python
from harness.runtimes import LLVM

RUNS = "import json, kernels, numba; kernels.launch(); print(json.dumps(numba.threading_layer()))"
TRIES = """
import json
try:
    import numba
    {call}
    answer = numba.threading_layer()
except Exception as error:
    answer = type(error).__name__ + ": " + str(error)
print(json.dumps(answer))
"""


def outcome(call: str, env: dict[str, str], layer: str | None = None) -> str:
    """Return the layer that runs after the call, or the error."""
    answer: str = run_python(TRIES.format(call=call), env, layer=layer)
    return answer


def test_selected_by_environment() -> None:
    assert run_python(RUNS) == "ompsafe"
    assert run_python(RUNS, layer="OmpSafe") == "ompsafe"


def test_selected_by_config() -> None:
    code = "import numba; numba.config.THREADING_LAYER = 'ompsafe'; " + RUNS
    assert run_python(code, layer=None) == "ompsafe"


def test_selected_by_config_file(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / ".numba_config.yaml").write_text("threading_layer: ompsafe\n")
    assert run_python(RUNS, layer=None, cwd=tmp_path) == "ompsafe"


@pytest.mark.parametrize("priority", ["ompsafe omp", "ompsafe tbb omp workqueue", "ompsafe"])
@pytest.mark.parametrize("layer", [None, "default"])
def test_selected_by_its_place_in_the_priority_list(priority: str, layer: str | None) -> None:
    assert run_python(RUNS, {"NUMBA_THREADING_LAYER_PRIORITY": priority}, layer=layer) == "ompsafe"


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        ("omp ompsafe", "omp"),
        ("workqueue ompsafe tbb omp", "workqueue"),
        # TBB's library is not where Numba looks for it.
        ("tbb ompsafe", "ompsafe"),
    ],
)
def test_priority_list_is_tried_in_order(priority: str, expected: str) -> None:
    env = {"NUMBA_THREADING_LAYER_PRIORITY": priority}
    assert run_python(RUNS, env, layer=None) == expected


@pytest.mark.parametrize("layer", ["omp", "workqueue", "forksafe", "threadsafe"])
def test_priority_list_with_ompsafe_leaves_numbas_layers_selectable(layer: str) -> None:
    env = {"NUMBA_THREADING_LAYER_PRIORITY": "ompsafe tbb omp workqueue"}
    expected = {"forksafe": "workqueue", "threadsafe": "omp"}.get(layer, layer)
    assert run_python(RUNS, env, layer=layer) == expected


@pytest.mark.parametrize("priority", ["ompsafe ompsafe", "ompsafe nonsense omp"])
def test_priority_list_with_nonsense_is_an_error_that_names_it(priority: str) -> None:
    error = outcome("numba.get_num_threads()", {"NUMBA_THREADING_LAYER_PRIORITY": priority})
    assert error.startswith("ValueError: THREADING_LAYER_PRIORITY invalid")
    assert str(priority.split()) in error
    assert "tbb, omp, workqueue" in error


def test_an_unknown_layer_still_gets_numbas_error() -> None:
    error = outcome("numba.get_num_threads()", {}, layer="nonsense")
    assert error == "ValueError: The threading layer requested 'nonsense' is unknown to Numba."


def test_a_misspelt_name_of_this_layer_is_answered_with_the_right_one() -> None:
    code = """
    import json, numba, traceback
    try:
        numba.get_num_threads()
    except ValueError as error:
        print(json.dumps("".join(traceback.format_exception_only(error))))
    """
    for name in ("omp_safe", "numba-ompsafe", "OMPSAFE "):
        said = run_python(code, layer=name)
        assert "is unknown to Numba." in said
        assert "The layer of numba-ompsafe is called 'ompsafe'." in said


def test_served_as_omp_it_answers_what_was_asked_for() -> None:
    code = """
    import json, kernels, numba
    kernels.launch()
    from numba.np.ufunc import omppool
    from numba_ompsafe import _core
    ours = omppool.parallel_for == _core.parallel_for
    print(json.dumps([numba.threading_layer(), ours, omppool.openmp_vendor]))
    """
    env = {"NUMBA_OMPSAFE_AS_OMP": "1"}
    assert run_python(code, env, layer="omp") == ["omp", True, "GNU"]
    assert run_python(code, env | LLVM, layer="threadsafe") == [
        "omp",
        True,
        "Intel",
    ]
    assert run_python(code, {"NUMBA_OMPSAFE_AS_OMP": "0"}, layer="omp") == ["omp", False, "GNU"]


def test_served_as_omp_nonsense_is_an_error_that_names_it() -> None:
    error = outcome("numba.get_num_threads()", {"NUMBA_OMPSAFE_AS_OMP": "yes"}, layer="omp")
    assert "NUMBA_OMPSAFE_AS_OMP='yes'" in error
    assert "set it to 1" in error


def test_enable_selects_the_layer() -> None:
    code = "import numba_ompsafe; numba_ompsafe.enable(); numba_ompsafe.enable(); " + RUNS
    assert run_python(code + "; numba_ompsafe.enable()", layer=None) == "ompsafe"


@pytest.mark.parametrize("layer", [None, "omp"])
def test_enable_outlives_a_change_of_numbas_variables(layer: str | None) -> None:
    # Numba reads all its settings anew when one of its variables has changed.
    code = "import numba_ompsafe, os; numba_ompsafe.enable(); os.environ['NUMBA_OPT'] = '2'; "
    assert run_python(code + RUNS, layer=layer) == "ompsafe"


def test_enable_leaves_the_last_word_to_code_that_comes_after_it() -> None:
    code = "import numba, numba_ompsafe; numba_ompsafe.enable(); "
    code += "numba.config.THREADING_LAYER = 'workqueue'; "
    assert run_python(code + RUNS, layer=None) == "workqueue"


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_enable_after_another_layer_launched_says_which_and_what_to_do(layer: str) -> None:
    call = "numba.get_num_threads(); import numba_ompsafe; numba_ompsafe.enable()"
    error = outcome(call, {}, layer=layer)
    assert error.startswith("LayerAlreadyLaunchedError: numba_ompsafe.enable(): Numba's")
    assert repr(layer) in error
    assert "NUMBA_THREADING_LAYER=ompsafe" in error


def test_enable_works_where_start_up_files_are_not_read() -> None:
    code = (
        f"import sys; sys.path += {SITE_PACKAGES}; import numba_ompsafe; numba_ompsafe.enable(); "
    )
    assert run_python(code + RUNS, layer=None, options=("-S",)) == "ompsafe"


def test_entry_point_registers_where_start_up_files_are_not_read() -> None:
    # Numba loads its extensions when it first compiles something.
    assert (
        run_python(f"import sys; sys.path += {SITE_PACKAGES}; " + RUNS, options=("-S",))
        == "ompsafe"
    )


@pytest.mark.parametrize("pair", [("ompsafe", "workqueue"), ("omp", "ompsafe")])
def test_functions_cached_under_one_layer_run_under_the_other(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "module.py").write_text(
        "import numba\n"
        "@numba.njit(parallel=True, cache=True)\n"
        "def total(n):\n"
        "    acc = 0\n"
        "    for i in numba.prange(n):\n"
        "        acc += i\n"
        "    return acc\n"
    )
    code = (
        f"import json, sys; sys.path.insert(0, {str(tmp_path)!r}); import module, numba; "
        "print(json.dumps([module.total(10), sum(module.total.stats.cache_hits.values()), "
        "numba.threading_layer()]))"
    )
    env = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert run_python(code, env, layer=pair[0]) == [45, 0, pair[0]]
    assert run_python(code, env, layer=pair[1]) == [45, 1, pair[1]]


def test_threads_that_launch_first_together_get_one_layer() -> None:
    code = """
    import json, threading
    import kernels, numba
    barrier = threading.Barrier(8)
    counts = []
    def launch():
        barrier.wait()
        counts.append(kernels.launch())
    threads = [threading.Thread(target=launch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps([sorted(set(counts)), numba.threading_layer()]))
    """
    assert run_python(code, {"NUMBA_NUM_THREADS": "5"}) == [[5], "ompsafe"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("set_default_num_threads(0)", "ValueError: set_default_num_threads: n is 0, and must be"),
        ("set_default_num_threads(-1)", "ValueError: set_default_num_threads: n is -1, and must"),
        ("set_default_num_threads(9)", "ValueError: set_default_num_threads: n is 9, and must be"),
        ("set_default_num_threads('2')", "TypeError: set_default_num_threads: n must be an int"),
        ("set_default_num_threads(2.0)", "TypeError: set_default_num_threads: n must be an int"),
    ],
)
def test_p8_a_bad_default_is_an_error_that_names_it(call: str, error: str) -> None:
    code = f"import numba_ompsafe; numba_ompsafe.{call}"
    answer = outcome(code, {"NUMBA_NUM_THREADS": "8"}, layer="ompsafe")
    assert answer.startswith(error)
    if "ValueError" in error:
        assert "between 1 and" in answer
        assert "8" in answer


def test_p8_a_default_for_a_process_on_another_layer_is_an_error() -> None:
    call = "numba.get_num_threads(); import numba_ompsafe; numba_ompsafe.set_default_num_threads(1)"
    assert outcome(call, {}, layer="workqueue").startswith("LayerAlreadyLaunchedError")


def test_the_extension_links_to_no_openmp_runtime() -> None:
    import numba_ompsafe._core

    dynamic = subprocess.run(
        ["readelf", "-d", numba_ompsafe._core.__file__],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    needed = [line for line in dynamic.splitlines() if "NEEDED" in line]
    assert needed
    assert not [line for line in needed if "omp" in line]
