"""The report tells the truth, wherever it is asked for, and changes nothing."""

import json
import sys
from pathlib import Path

import pytest
from harness.processes import run_python
from harness.runtimes import GNU

import numba_ompsafe

LAYERS = [None, "ompsafe", "omp", "workqueue"]

# What a report could change, as seen from three threads and from outside, before and after it.
NEUTRAL = """
import json, os, sys
{before}
import numba_ompsafe, openmp
from python_threads import on_new_thread, on_second_thread
from numba_ompsafe._report import here as _  # the import itself loads no library but ctypes'
on_second_thread(int)
paths = openmp.runtimes()
# Every runtime's ICVs; torch is not asked on a thread where it has not run.
def here():
    return [openmp.Runtime(path).icvs() for path in paths]
def launched():
    return getattr(sys.modules.get("numba.np.ufunc.parallel"), "_threading_layer", None)
def state():
    mapped = {{line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}}
    masks = []
    if launched():
        import numba
        masks = [numba.get_num_threads(), on_second_thread(numba.get_num_threads)]
    return [
        here(), on_second_thread(here), on_new_thread(here), masks, launched(),
        sorted(mapped), "numba_ompsafe._core" in sys.modules, dict(os.environ),
        "numba" in sys.modules, "torch" in sys.modules,
    ]
before = state()
if {reports}:
    numba_ompsafe.report()
    on_second_thread(numba_ompsafe.report)
    on_new_thread(numba_ompsafe.report)
after = state()
changed = [pair for pair in zip(before, after) if pair[0] != pair[1]]
# Last: it sets nthreads-var where torch has not run.
count = getattr(sys.modules.get("torch"), "get_num_threads", lambda: None)
print(json.dumps([changed, [count(), on_second_thread(count), on_new_thread(count)]]))
"""
SITUATIONS = {
    "nothing": "",
    "numba": "import numba",
    "launched": "import kernels; kernels.launch()",
    "mask": "import numba; numba.set_num_threads(1)",
}
WITH_TORCH = {
    "torch": "import torch",
    "torch at 7": "import torch, numba; torch.set_num_threads(7)",
    "both": "import torch, kernels; torch.set_num_threads(7); kernels.launch()",
    "both ran": "import torch, kernels; torch.set_num_threads(7); torch.ones(1_000_000).sum(); "
    "kernels.launch()",
    "numba first": "import kernels; kernels.launch(); import torch; torch.set_num_threads(3)",
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_p1_a_report_is_neutral(situation: str, layer: str | None) -> None:
    changed, _ = run_python(NEUTRAL.format(before=SITUATIONS[situation], reports=True), layer=layer)
    assert changed == []


@pytest.mark.needs_torch
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("situation", WITH_TORCH)
def test_p1_a_report_is_neutral_with_torch(situation: str, layer: str | None) -> None:
    before = WITH_TORCH[situation]
    changed, counts = run_python(NEUTRAL.format(before=before, reports=True), layer=layer)
    assert changed == []
    _, expected = run_python(NEUTRAL.format(before=before, reports=False), layer=layer)
    assert counts == expected


@pytest.mark.parametrize("runtime", ["libgomp.so.1", "libomp.so.5"])
def test_p1_a_report_is_neutral_on_a_runtime_of_today(runtime: str) -> None:
    env = {"LD_PRELOAD": runtime}
    code = NEUTRAL.format(before=SITUATIONS["launched"], reports=True)
    assert run_python(code, env)[0] == []


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_p7_a_report_under_another_layer_does_not_load_this_one(layer: str) -> None:
    code = """
    import json, sys
    import kernels, numba_ompsafe
    kernels.launch()
    report = numba_ompsafe.report()
    print(json.dumps(["numba_ompsafe._core" in sys.modules, report.layer.is_ompsafe,
        report.layer.running, report.layer.runtime]))
    """
    assert run_python(code, layer=layer) == [False, False, layer, None]


def test_p8_a_report_while_tbb_runs() -> None:
    code = """
    import json, numba, numba_ompsafe
    numba.get_num_threads()
    report = numba_ompsafe.report()
    print(json.dumps([report.layer.running, report.layer.expected, report.conflicts]))
    """
    env = {"LD_LIBRARY_PATH": str(Path(sys.prefix, "lib"))}  # where pip puts it
    assert run_python(code, env, layer="tbb") == ["tbb", "tbb", []]


@pytest.mark.parametrize(
    ("layer", "env", "expected"),
    [
        (None, {}, "omp"),
        ("OMP", {"NUMBA_OMPSAFE_AS_OMP": "1"}, "ompsafe"),
        (None, {"NUMBA_THREADING_LAYER_PRIORITY": "tbb ompsafe"}, "ompsafe"),
        (None, {"NUMBA_THREADING_LAYER_PRIORITY": "omp ompsafe"}, "omp"),
        ("forksafe", {}, "workqueue"),
    ],
)
def test_the_report_tells_the_layer_that_the_first_launch_takes(
    layer: str | None, env: dict[str, str], expected: str
) -> None:
    code = """
    import json, numba, numba_ompsafe
    before = numba_ompsafe.report().layer.expected
    import kernels; kernels.launch()
    print(json.dumps([before, numba_ompsafe.report().layer.expected]))
    """
    assert run_python(code, env, layer=layer) == [expected, expected]


# What the report says of the counts on a thread, and then what they are.
COUNTS = """
import json
{before}
import numba, numba_ompsafe
from python_threads import on_new_thread
numba.config.NUMBA_NUM_THREADS = 8
def told():
    counts = numba_ompsafe.report().counts
    return [counts.numba, counts.torch]
def true():
    import sys
    torch = sys.modules.get("torch")
    return [numba.get_num_threads(), torch.get_num_threads() if torch else None]
def both():
    return told() == true() == told()
print(json.dumps([both(), on_new_thread(both), numba_ompsafe.report().counts.numba_rule]))
"""


@pytest.mark.parametrize("torch", ["", pytest.param("import torch", marks=pytest.mark.needs_torch)])
@pytest.mark.parametrize(
    ("env", "rule"),
    [
        ({}, "what OpenMP would use on this thread"),
        ({"OMP_NUM_THREADS": "3"}, "what OpenMP would use on this thread"),
        ({"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "5"}, "NUMBA_NUM_THREADS"),
    ],
)
def test_p2_the_report_tells_the_counts_before_and_after_the_first_launch(
    env: dict[str, str], rule: str, torch: str
) -> None:
    assert run_python(COUNTS.format(before=torch), env) == [True, True, rule]


@pytest.mark.needs_torch
def test_p2_the_report_tells_torchs_count_on_threads_that_torch_has_not_run_on() -> None:
    code = """
    import json, torch, numba_ompsafe, openmp
    from python_threads import on_new_thread
    torch.set_num_threads(7)
    def told():
        runtime = openmp.the_one()
        return [numba_ompsafe.report().counts.torch, runtime.get_max_threads()]
    print(json.dumps([told(), on_new_thread(told)]))
    """
    for layer in LAYERS:
        assert run_python(code, {"OMP_NUM_THREADS": "2"}, layer=layer) == [[7, 7], [7, 2]]


def test_p2_the_report_tells_masks_and_defaults() -> None:
    code = """
    import json, numba, numba_ompsafe
    from python_threads import on_new_thread
    numba.config.NUMBA_NUM_THREADS = 8
    def told():
        counts = numba_ompsafe.report().counts
        return [counts.numba, counts.numba_rule, counts.numba_mask]
    numba_ompsafe.set_default_num_threads(5)
    answers = [told()]
    numba.set_num_threads(1)
    print(json.dumps([*answers, told(), on_new_thread(told)]))
    """
    by_default = [5, "numba_ompsafe.set_default_num_threads", None]
    masked = [1, "a mask on this thread (numba.set_num_threads, numba_ompsafe.threads)", 1]
    assert run_python(code) == [by_default, masked, by_default]


ELSEWHERE = """
import json, forks, numba, numba_ompsafe, openmp
kernels = forks.kernels()
kernels.launch()
def told():
    report = numba_ompsafe.report()
    return [report.layer.running, report.counts.numba, [c.code for c in report.conflicts]]
"""


def test_p6_a_report_in_a_forked_child() -> None:
    code = ELSEWHERE + "print(json.dumps([told(), forks.in_child(told)]))"
    env = {"NUMBA_NUM_THREADS": "1"}
    assert run_python(code, env) == [["ompsafe", 1, []]] * 2


def test_a_report_from_inside_a_kernel() -> None:
    code = (
        ELSEWHERE
        + """
answers = []
def tell():
    answers.append(told())
@numba.njit(parallel=True)
def kernel(n):
    for i in numba.prange(n):
        with numba.objmode():
            tell()
kernel(4)
print(json.dumps(answers))
"""
    )
    assert run_python(code, {"NUMBA_NUM_THREADS": "2"}) == [["ompsafe", 2, []]] * 4


def test_the_report_says_why_the_runtime_was_chosen() -> None:
    code = (
        "import json, kernels, numba_ompsafe; kernels.launch(); "
        "print(json.dumps(numba_ompsafe.report().layer.runtime.why))"
    )
    preloaded = run_python(code, GNU)
    assert preloaded == "the global scope of the dynamic linker"
    loaded = run_python("import ctypes; ctypes.CDLL('libomp.so.5'); " + code)
    assert loaded.startswith("loaded already: ")


@pytest.mark.needs_torch
def test_the_report_says_that_launches_moved_to_torchs_runtime() -> None:
    code = """
    import ctypes, json, kernels, numba_ompsafe
    ctypes.CDLL("libomp.so.5")
    kernels.launch()
    import torch
    kernels.launch()
    runtime = numba_ompsafe.report().layer.runtime
    print(json.dumps([runtime.path, runtime.why]))
    """
    path, why = run_python(code)
    assert "torch/lib" in path
    assert why.startswith("what torch uses, which was loaded after the first launch")


@pytest.mark.needs_torch
def test_the_report_tells_which_library_calls_which_runtime() -> None:
    # omp depends on the system's libgomp, and yet calls torch's, which is found first.
    code = """
    import json, torch, kernels, numba_ompsafe
    kernels.launch()
    libraries = [lib for lib in numba_ompsafe.report().libraries if lib.api == "openmp"]
    print(json.dumps([[lib.path, lib.in_use, lib.used_by] for lib in libraries]))
    """
    (torchs,) = [row for row in run_python(code, layer="omp") if "torch/lib" in row[0]]
    (other,) = [row for row in run_python(code, layer="omp") if "torch/lib" not in row[0]]
    assert torchs[1]
    assert sorted(path.rsplit("/")[-1].split(".")[0] for path in torchs[2]) == [
        "libtorch_cpu",
        "omppool",
    ]
    assert other[1:] == [False, []]


def test_the_report_is_json() -> None:
    report = json.loads(numba_ompsafe.report().to_json())
    assert report["versions"]["numba_ompsafe"] == numba_ompsafe.__version__


def test_p8_a_bad_value_of_ours_does_not_stop_a_report() -> None:
    code = "import json, numba, numba_ompsafe; print(json.dumps(numba_ompsafe.report().forks))"
    env = {"NUMBA_OMPSAFE_FORK": "x", "NUMBA_OMPSAFE_AS_OMP": "y", "NUMBA_OMPSAFE_WARN": "z"}
    assert "OpenMP" in run_python(code, env)


CHECK = """
import json, numba_ompsafe, openmp, ctypes
ctypes.CDLL("libgomp.so.1").omp_set_dynamic(1)
try:
    numba_ompsafe.check({arguments})
    answer = None
except numba_ompsafe.ThreadConfigError as error:
    answer = [[c.code for c in error.conflicts], str(error)]
except ValueError as error:
    answer = str(error)
print(json.dumps(answer))
"""


def test_p8_check_raises_what_the_report_finds() -> None:
    codes, words = run_python(CHECK.format(arguments=""))
    assert codes == ["dynamic-teams"]
    assert "omp_set_dynamic(0)" in words
    assert run_python(CHECK.format(arguments="ignore={'dynamic-teams'}")) is None


def test_p8_check_refuses_what_is_no_code() -> None:
    words = run_python(CHECK.format(arguments="ignore=['dynamic-team']"))
    assert "'dynamic-team', which is no code" in words
    assert "dynamic-teams" in words
