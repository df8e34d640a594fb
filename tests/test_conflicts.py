"""P8: what works against each other is found where it is, by the real thing, and nothing else is.

Made by hand is only what these wheels cannot show: a torch without OpenMP, or with the libgomp of
its early wheels, a Numba that cannot be extended. Other processes of the machine are left out
there: it may be crowded.
"""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.processes import SITE_PACKAGES, START_UP_FILE, run_python
from harness.runtimes import INTEL

import numba_ompsafe
from numba_ompsafe._report import conflicts
from numba_ompsafe._report.record import Library, Report

LLVM = "libomp.so.5"
LAUNCH = "import kernels; kernels.launch(); "
TELL = "\nimport situations; situations.tell()"


def told(
    code: str, env: dict[str, str] | None = None, layer: str | None = "ompsafe", **options: object
) -> tuple[list[list[str]], str]:
    """Return the codes and severities of the conflicts at the end of ``code``, and their words."""
    rated, words = run_python(code + TELL, env, layer=layer, **options)  # type: ignore[arg-type]
    return rated, words


CLEAN = {
    "nothing": "",
    "numba": "import numba",
    "numba launched": LAUNCH,
    "scikit-learn launched": "import situations; situations.fit(); " + LAUNCH,
    "opencv launched": "import cv2; " + LAUNCH,
}
CLEAN_WITH_TORCH = {
    "torch": "import torch",
    "numba, torch": "import numba, torch",
    "torch launched": "import torch; " + LAUNCH + "torch.ones(1_000_000).sum()",
    "launched, then torch": LAUNCH + "import torch; torch.ones(1_000_000).sum(); " + LAUNCH,
    "count 1": "import torch; torch.set_num_threads(1); " + LAUNCH,
    "mask": "import torch, numba; numba.set_num_threads(1); " + LAUNCH,
    # Its own runtime is loaded and not called: torch's is found first.
    "torch, scikit-learn": "import torch, situations; situations.fit(); " + LAUNCH,
    "torch, opencv": "import torch, cv2; " + LAUNCH,
}


@pytest.mark.parametrize("situation", CLEAN)
def test_p8_a_clean_process_has_no_conflict(situation: str) -> None:
    assert told(CLEAN[situation]) == ([], "")


@pytest.mark.needs_torch
@pytest.mark.parametrize("situation", CLEAN_WITH_TORCH)
def test_p8_a_clean_process_with_torch_has_no_conflict(situation: str) -> None:
    assert told(CLEAN_WITH_TORCH[situation]) == ([], "")


@pytest.mark.parametrize("layer", [None, "omp", "workqueue"])
@pytest.mark.parametrize("situation", ["nothing", "numba", "numba launched"])
def test_p8_another_layer_alone_has_no_conflict(layer: str | None, situation: str) -> None:
    assert told(CLEAN[situation], layer=layer) == ([], "")


@pytest.mark.needs_torch
def test_p8_a_preloaded_runtime_that_all_call_is_no_conflict() -> None:
    code = "import torch; torch.ones(1_000_000).sum(); " + LAUNCH
    assert told(code, {"LD_PRELOAD": str(INTEL)}) == ([], "")


@pytest.mark.needs_torch
@pytest.mark.parametrize("layer", ["ompsafe", "omp"])
def test_p8_torchs_runtime_preloaded_is_the_one_of_what_comes_before_torch(layer: str) -> None:
    code = LAUNCH + "import situations; situations.fit(); import torch; torch.ones(1_000_000).sum()"
    torchs = [path for p in SITE_PACKAGES if (path := Path(p, "torch/lib/libgomp.so.1")).exists()]
    rated, _ = told(code, {"LD_PRELOAD": str(torchs[0])}, layer=layer)
    assert [code for code, _ in rated] == (["omp-overwrites"] if layer == "omp" else [])


@pytest.mark.needs_torch
def test_p8_torch_after_scikit_learn_is_two_runtimes() -> None:
    code = "import situations; situations.fit(); import torch; torch.ones(1_000_000).sum(); "
    rated, words = told(code + LAUNCH)
    assert rated == [["two-runtimes", "moderate"]]
    assert "torch/lib/libgomp.so.1 by torch, numba_ompsafe" in words
    assert ".so.1.0.0 by sklearn" in words
    assert "import torch before sklearn" in words


@pytest.mark.needs_torch
def test_p8_a_second_runtime_that_was_opened_is_two_runtimes() -> None:
    rated, words = told(f"import ctypes, torch; ctypes.CDLL({LLVM!r}); {LAUNCH}")
    assert rated == [["two-runtimes", "moderate"]]
    assert "by whoever loaded it" in words


def test_p8_llvms_runtime_beside_intels_is_severe() -> None:
    rated, words = told(f"import ctypes; ctypes.CDLL({LLVM!r}); ctypes.CDLL({str(INTEL)!r})")
    assert rated == [["two-runtimes", "severe"]]
    assert "hang" in words


@pytest.mark.needs_torch
def test_p8_numba_and_torch_on_different_runtimes_are_apart() -> None:
    # omp has called the system's libgomp; torch finds another in the global scope.
    code = f"""
    {LAUNCH}
    import ctypes
    ctypes.CDLL({LLVM!r}, mode=ctypes.RTLD_GLOBAL)
    import torch
    torch.ones(1_000_000).sum()
    import situations; situations.tell()
    """
    rated, words = run_python(code, layer="omp")
    assert rated == [["runtimes-apart", "severe"]]
    assert "libomp.so.5 python app.py" in words


SEED = """
import torch, numba, situations
torch.set_num_threads({count})
{then}
"""


@pytest.mark.needs_torch
def test_p8_omp_has_changed_torchs_count() -> None:
    # From 7 to 2, on two cores.
    then = "torch.ones(1_000_000).sum(); numba.get_num_threads()"
    rated, words = told(SEED.format(count=7, then=then), layer="omp")
    assert rated == [["omp-overwrites", "severe"]]
    ask = (
        "import json; print(json.dumps([numba.config.NUMBA_NUM_THREADS, torch.get_num_threads()]))"
    )
    cores, torch_count = run_python(SEED.format(count=7, then=then) + ask, layer="omp")
    assert torch_count == cores
    assert (
        f"the first Numba call (layer omp) changed the count of torch from 7 to {cores} on the "
        "thread that launched"
    ) in words
    assert "Remedy: NUMBA_THREADING_LAYER=ompsafe python app.py" in words


@pytest.mark.needs_torch
@pytest.mark.parametrize("layer", [None, "omp"])
def test_p8_omp_is_going_to_change_torchs_count(layer: str | None) -> None:
    env = {"NUMBA_NUM_THREADS": "2"}
    rated, words = told(SEED.format(count=1, then=""), env, layer=layer)
    assert rated == [["omp-overwrites", "severe"]]
    assert "will launch the layer omp" in words
    assert "changes torch's count from 1 to 2" in words
    assert ("unless TBB can be loaded" in words) == (layer is None)


@pytest.mark.needs_torch
@pytest.mark.parametrize("then", ["", "numba.get_num_threads()"])
def test_p8_omp_and_a_count_that_happens_to_agree_is_moderate(then: str) -> None:
    code = SEED.format(count="numba.config.NUMBA_NUM_THREADS", then=then)
    assert told(code, layer="omp")[0] == [["omp-overwrites", "moderate"]]


@pytest.mark.needs_torch
@pytest.mark.parametrize(("openmp", "severity"), [("1", "severe"), (None, "moderate")])
def test_p8_omp_before_torch(openmp: str | None, severity: str) -> None:
    env = {} if openmp is None else {"OMP_NUM_THREADS": openmp}
    rated, words = told(LAUNCH + "import torch; torch.ones(1_000_000).sum()", env, layer="omp")
    assert rated == [["omp-overwrites", severity]]
    assert "has set the count of torch to" in words


@pytest.mark.parametrize("code", ["import numba", LAUNCH])
def test_p8_omp_alone_ignores_omp_num_threads(code: str) -> None:
    # A limit that no machine has for its number of cores.
    rated, words = told(code, {"OMP_NUM_THREADS": "1001"}, layer="omp")
    assert rated == [["omp-overwrites", "moderate"]]
    assert "where OMP_NUM_THREADS=1001" in words
    assert told(code, {"OMP_NUM_THREADS": "1001"}, layer="workqueue") == ([], "")


@pytest.mark.needs_torch
def test_p8_a_count_that_the_program_has_made_the_same_for_both_is_no_conflict() -> None:
    env = {"NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "1"}
    assert told("import numba, torch", env)[0] == [["numba-against-openmp", "moderate"]]
    assert told("import numba, torch; torch.set_num_threads(2)", env) == ([], "")


@pytest.mark.needs_torch
def test_p8_a_mask_above_torchs_pool() -> None:
    code = "import torch, numba; torch.set_num_threads(1); numba.set_num_threads(2); " + LAUNCH
    rated, words = told(code, {"NUMBA_NUM_THREADS": "2"})
    assert rated == [["mask-above-pool", "moderate"]]
    assert "torch.set_num_threads(2)" in words


def test_p8_dyn_var_switched_on() -> None:
    code = LAUNCH + "import openmp; openmp.bound().set_dynamic(1)"
    rated, words = told(code)
    assert rated == [["dynamic-teams", "moderate"]]
    assert "omp_set_dynamic(0)" in words


def test_p8_dyn_var_switched_on_is_switched_off_by_what_the_remedy_says() -> None:
    # Of a runtime that is not in the global scope, and that neither prange nor torch runs on.
    code = """
    import ctypes, json, numba_ompsafe
    ctypes.CDLL("libgomp.so.1").omp_set_dynamic(1)
    (conflict,) = numba_ompsafe.report().conflicts
    exec(conflict.remedy.partition(" on each thread")[0])
    print(json.dumps([conflict.code, conflict.effect, len(numba_ompsafe.report().conflicts)]))
    """
    effect = "parallel regions there quietly get fewer threads while the machine is busy"
    assert run_python(code) == ["dynamic-teams", effect, 0]


def test_p8_dyn_var_switched_on_by_a_variable() -> None:
    rated, words = told(LAUNCH, {"OMP_DYNAMIC": "true"})
    assert rated == [["dynamic-teams", "moderate"]]
    assert "unset OMP_DYNAMIC" in words


def test_p8_dyn_var_switched_on_by_a_library_that_is_named(tmp_path: Path) -> None:
    # As an OpenCV built with OpenMP does. The one in the wheel has a pool of its own.
    library = tmp_path / "libswitches.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-", "-l:libgomp.so.1"],
        input="void omp_set_dynamic(int); void start(void) { omp_set_dynamic(1); }",
        text=True,
        check=True,
    )
    code = f"import ctypes; ctypes.CDLL({str(library)!r}).start(); {LAUNCH}"
    rated, words = told(code)
    assert rated == [["dynamic-teams", "moderate"]]
    assert "by libswitches.so (calls omp_set_dynamic)" in words


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_p8_another_layer_had_been_launched(layer: str) -> None:
    code = LAUNCH + "import numba; numba.config.THREADING_LAYER = 'ompsafe'"
    rated, words = told(code, layer=layer)
    assert rated == [["other-layer-launched", "severe"]]
    assert f"but {layer} had been launched before" in words


def test_p8_another_layer_runs_than_was_asked_for() -> None:
    code = LAUNCH + "import numba; numba.config.THREADING_LAYER = 'omp'"
    rated, words = told(code, layer="workqueue")
    assert rated == [["layer-not-running", "severe"]]
    assert "the layer omp is asked for, but workqueue runs" in words


# sets_layer does as pynndescent, and so UMAP, at its import.
CHANGES = "import numba, sets_layer\n"


@pytest.mark.parametrize("launches", [False, True])
def test_p8_code_that_changes_the_layer_that_omp_was_served_as(launches: bool) -> None:
    env = {"NUMBA_OMPSAFE_AS_OMP": "1"}
    rated, words = told(CHANGES + LAUNCH * launches, env, layer="omp")
    assert rated == [["layer-changed", "severe"]]
    assert "NUMBA_THREADING_LAYER=omp asks for a layer" in words
    assert "has set numba.config.THREADING_LAYER = " in words
    assert f"the first parallel Numba call {'has launched' if launches else 'will launch'}" in words
    assert "NUMBA_THREADING_LAYER=ompsafe python app.py, which such code leaves alone" in words
    assert "numba_ompsafe.enable() after the import that has changed it" in words


def test_p8_code_that_changes_the_layer_of_a_config_file(tmp_path: Path) -> None:
    (tmp_path / ".numba_config.yaml").write_text("threading_layer: ompsafe\n")
    code = "import numba; numba.config.THREADING_LAYER = 'workqueue'"
    rated, words = told(code, layer=None, cwd=tmp_path)
    assert rated == [["layer-changed", "severe"]]
    assert "NUMBA_THREADING_LAYER=ompsafe asks for a layer" in words
    assert "will launch workqueue" in words


def test_p8_code_that_chooses_where_nobody_else_has_is_no_conflict() -> None:
    code = "import numba; numba.config.THREADING_LAYER = 'workqueue'; " + LAUNCH
    assert told(code, layer=None) == ([], "")
    rated, words = told(code, {"NUMBA_OMPSAFE_AS_OMP": "1"}, layer=None)
    assert rated == [["layer-changed", "severe"]]
    assert "NUMBA_OMPSAFE_AS_OMP=1 asks for a layer" in words


@pytest.mark.parametrize(
    ("env", "layer", "code"),
    [
        ({"NUMBA_OMPSAFE_AS_OMP": "1"}, "omp", CHANGES + "numba_ompsafe.enable()"),
        ({}, "ompsafe", CHANGES),
    ],
    ids=["enable", "ompsafe"],
)
def test_p8_what_the_remedies_of_a_changed_layer_say_helps(
    env: dict[str, str], layer: str, code: str
) -> None:
    assert told(f"import numba_ompsafe\n{code}\n{LAUNCH}", env, layer=layer) == ([], "")


@pytest.mark.parametrize(("launch", "runs"), [("", "launches"), (LAUNCH, "runs")])
def test_p8_a_default_count_that_the_layer_does_not_know(launch: str, runs: str) -> None:
    code = f"import numba_ompsafe; numba_ompsafe.set_default_num_threads(1); {launch}"
    assert told(code) == ([], "")
    rated, words = told(code, layer="workqueue")
    assert rated == [["layer-not-running", "severe"]]
    assert "set_default_num_threads(1) was called, but the layer workqueue" in words
    assert runs in words
    assert "numba_ompsafe.enable() before the first parallel function" in words


def test_p8_a_priority_list_that_code_has_set_to_no_list() -> None:
    code = "import numba; numba.config.THREADING_LAYER_PRIORITY = 'ompsafe omp'"
    rated, words = told(code, layer=None)
    assert rated == [["layer-not-running", "severe"]]
    assert "'ompsafe omp' is asked for, which is no threading layer" in words


def test_p8_a_name_that_is_no_layer(tmp_path: Path) -> None:
    rated, words = told("import numba", layer="ompsfae")
    assert rated == [["layer-not-running", "severe"]]
    assert "'ompsfae' is asked for, which is no threading layer;" in words
    pytest.importorskip("yaml")
    (tmp_path / ".numba_config.yaml").write_text("threading_layer: ompsfae\n")
    _, words = told("import numba", layer=None, cwd=tmp_path)
    assert "which is no threading layer (in Numba's config file, .numba_config.yaml);" in words


def test_p8_ompsafe_with_a_numba_that_cannot_be_extended() -> None:
    recorded = replace(numba_ompsafe.report(), neighbours=())
    layer = replace(recorded.layer, registered=False, start_up_file_ran=True, running=None)
    report = replace(recorded, layer=replace(layer, requested="ompsafe", expected="ompsafe"))
    found = [conflict for conflict in conflicts.find(report) if conflict.severity == "severe"]
    assert [conflict.code for conflict in found] == ["layer-not-running"]
    assert "numba_ompsafe.enable()" in found[0].remedy


def test_p8_a_layer_of_the_priority_list_could_not_be_loaded() -> None:
    # TBB's library is not where Numba looks for it.
    env = {"NUMBA_THREADING_LAYER_PRIORITY": "tbb ompsafe"}
    rated, words = told(LAUNCH, env, layer=None)
    assert rated == [["layer-not-running", "moderate"]]
    assert "tbb could not be loaded" in words
    assert "NUMBA_THREADING_LAYER=tbb python app.py" in words


def test_p8_ompsafe_first_in_the_priority_list_and_no_runtime(tmp_path: Path) -> None:
    for name in ("libgomp.so.1", "libomp.so.5", "libomp.so", "libiomp5.so"):
        (tmp_path / name).write_text("not a library\n")
    env = {
        "LD_LIBRARY_PATH": str(tmp_path),
        "NUMBA_THREADING_LAYER_PRIORITY": "ompsafe workqueue",
    }
    code = f"import sys; sys.modules['torch'] = None; sys.prefix = {str(tmp_path)!r}; {LAUNCH}"
    rated, words = told(code, env, layer=None)
    assert rated == [["layer-not-running", "severe"]]
    assert "ompsafe could not be loaded" in words


@pytest.mark.parametrize(("layer", "severity"), [("ompsafe", "severe"), (None, "moderate")])
def test_p8_start_up_files_are_not_read(layer: str | None, severity: str) -> None:
    code = f"import sys; sys.path += {SITE_PACKAGES}; import numba"
    rated, words = told(code, layer=layer, options=("-S",))
    assert rated == [["start-up-file", severity]]
    assert START_UP_FILE in words
    assert "numba_ompsafe.enable()" in words


def test_p8_a_folder_on_pythonpath_has_no_start_up_files(tmp_path: Path) -> None:
    # The package in a folder of its own, of an interpreter whose own packages are not seen.
    package = Path(numba_ompsafe.__path__[0])
    for path in (package, package.with_name(START_UP_FILE)):
        (tmp_path / path.name).symlink_to(path)
    others = [path for path in SITE_PACKAGES if path != str(package.parent)] or SITE_PACKAGES
    code = f"import sys; sys.path[1:1] = [{str(tmp_path)!r}]; sys.path += {others}; import numba"
    rated, words = told(code, options=("-S",))
    assert rated == [["start-up-file", "severe"]]
    assert str(tmp_path) in words


def test_p8_enabled_in_code_the_start_up_file_is_not_missed() -> None:
    code = (
        f"import sys; sys.path += {SITE_PACKAGES}; "
        "import numba_ompsafe; numba_ompsafe.enable(); " + LAUNCH
    )
    assert told(code, layer=None, options=("-S",)) == ([], "")


def of_torch(libraries: tuple[Library, ...] = (), **counts: Any) -> Report:
    """Return the report of a process that has a torch of which more is said."""
    recorded = numba_ompsafe.report()
    layer = replace(recorded.layer, registered=True, requested="ompsafe", running=None)
    return replace(
        recorded,
        counts=replace(recorded.counts, numba=1, torch=1, **counts),
        layer=replace(layer, expected="ompsafe"),
        libraries=libraries,
        icvs=(),
        environment={},
        neighbours=(),
    )


@pytest.mark.parametrize(
    ("ends_pools", "expected"), [(False, ["pool-kept-at-forks"]), (True, []), (None, [])]
)
def test_p8_a_torch_whose_libgomp_cannot_end_its_pool(
    ends_pools: bool | None, expected: list[str]
) -> None:
    runtime = Library("/torch/libgomp-1.so.1", "openmp", "GNU", None, 1, (), True, ends_pools)
    report = of_torch(libraries=(runtime,), torch_runtime=runtime.path)
    assert [conflict.code for conflict in conflicts.find(report)] == expected


@pytest.mark.parametrize(
    ("has_openmp", "expected"), [(False, ["torch-without-openmp"]), (True, []), (None, [])]
)
def test_p8_a_torch_without_openmp(has_openmp: bool | None, expected: list[str]) -> None:
    report = of_torch(torch_has_openmp=has_openmp)
    assert [conflict.code for conflict in conflicts.find(report)] == expected
