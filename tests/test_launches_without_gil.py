"""P5 and P7: a launch gives up the GIL where it holds it, and needs none; kernels may take it."""

import json
import sys
from pathlib import Path

import pytest
from harness.processes import SITE_PACKAGES, run_python
from harness.runtimes import TBB

THREE = {"NUMBA_NUM_THREADS": "3"}
OPTIONS = [(), ("-X", "dev", "-W", "ignore")]

# Without this package; its entry point is still there, and Numba warns of it.
WITHOUT_PACKAGE = f"""
import sys, warnings
sys.path += {SITE_PACKAGES}
sys.modules["numba_ompsafe"] = None
warnings.simplefilter("ignore")
"""

LOAD_TBB = f"import ctypes; ctypes.CDLL({str(TBB)!r}, mode=ctypes.RTLD_GLOBAL)\n"
OTHER_LAYERS = ["omp", "workqueue"] + ["tbb"] * TBB.exists()

PYTHON_THREAD = "lambda *arguments: gil.on_a_python_thread(gil.launch_a_lot, *arguments)"
C_THREAD = "gil.launch_a_lot_on_a_c_thread"

MEET = """
launches = gil.MEETINGS.items()
print(json.dumps({name: gil.with_python_beside(launch) for name, launch in launches}))
"""


def run(code: str, layer: str = "ompsafe", options: tuple[str, ...] = ()) -> object:
    """Run it with what it waits for, or have it end after a minute."""
    code = "import json, gil\n" + code
    return run_python(code, THREE, layer=layer, options=options, timeout=60)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("start", [PYTHON_THREAD, C_THREAD])
def test_p5_threads_launch_while_another_one_holds_the_gil(
    start: str, options: tuple[str, ...]
) -> None:
    assert run(f"print(json.dumps(gil.while_the_gil_is_held({start})))", options=options) == 3


@pytest.mark.parametrize("options", OPTIONS)
def test_p5_python_goes_on_beside_a_launch(options: tuple[str, ...]) -> None:
    steps = run(MEET, options=options)
    assert list(steps.values()) == [1000] * 6


@pytest.mark.parametrize("options", OPTIONS)
def test_p5_kernels_take_the_gil_wherever_they_run(options: tuple[str, ...]) -> None:
    code = """
launches = gil.PYTHON_IN_KERNELS.items()
print(json.dumps({name: gil.python_in_kernels(launch) for name, launch in launches}))
"""
    right = run(code, options=options)
    assert list(right.values()) == [True] * 4


def test_p5_a_signal_in_a_launch_is_handled_after_it() -> None:
    code = """
import signal
import numpy as np
from numba import njit, prange, types
send = types.ExternalFunction("raise", types.int32(types.int32))
interrupt = int(signal.SIGINT)
# What a shell starts in the background ignores it.
signal.signal(interrupt, signal.default_int_handler)

@njit(parallel=True)
def interrupted(x):
    for i in prange(x.size):
        if i % 100 == 0:
            send(interrupt)
        x[i] = 1

interrupted.compile("void(int64[::1])")
x = np.zeros(1000, np.int64)
try:
    interrupted(x)
    while True:
        pass
except KeyboardInterrupt:
    print(x.sum())
"""
    assert run(code) == 1000


def test_p7_what_a_kernel_raises_arrives_as_under_another_layer() -> None:
    # On one thread, the caller's: what is raised on another one is lost under every layer.
    code = """
import numba, numpy as np
from numba import guvectorize, njit, prange, vectorize
numba.set_num_threads(1)

@njit
def fail(i):
    if i == 3:
        raise ValueError("three")
    return i

@njit(parallel=True)
def in_prange(x):
    for i in prange(x.size):
        x[i] = fail(i)

@njit(parallel=True, nogil=True)
def in_nested(x):
    for i in prange(1):
        in_prange(x)

@vectorize(["int64(int64)"], target="parallel")
def in_ufunc(i):
    return fail(i)

@guvectorize(["(int64, int64[:])"], "()->()", target="parallel")
def in_gufunc(i, out):
    out[0] = fail(i)

def outcome(function, size):
    try:
        return repr(function(np.arange(size)))
    except Exception as error:
        cause = error.__cause__
        return [type(error).__name__, repr(cause) if cause else str(error)]

functions = (in_prange, in_nested, in_ufunc, in_gufunc)
print(json.dumps([[outcome(f, size) for f in functions] for size in (2, 10, 5000)]))
"""
    outcomes = run(code)
    assert outcomes == run(code, "omp")
    assert "three" in json.dumps(outcomes)


@pytest.mark.parametrize("layer", OTHER_LAYERS)
def test_p7_cached_code_runs_under_another_layer_without_the_package(
    layer: str, tmp_path: Path
) -> None:
    def run_cached(layer: str, code: str) -> object:
        without = layer != "ompsafe"
        preamble = WITHOUT_PACKAGE * without + LOAD_TBB * (layer == "tbb")
        return run_python(
            preamble + "import json, gil\n" + code,
            THREE | {"NUMBA_CACHE_DIR": str(cache)},
            layer=layer,
            options=("-S",) * without,
            timeout=60,
        )

    held = f"print(json.dumps(gil.while_the_gil_is_held({PYTHON_THREAD}, nested_too=False)))"
    for first, second in (("ompsafe", layer), (layer, "ompsafe")):
        cache = tmp_path / first
        steps = run_cached(first, "gil.flat.compile('void(float64[::1])')\n" + MEET)
        if first == "ompsafe":
            run_cached(first, held)
        written = {file: file.stat().st_mtime_ns for file in cache.rglob("*.nb?")}
        assert written
        assert run_cached(second, MEET) == steps
        if first == "ompsafe":
            run_cached(second, held)  # Numba's own code would wait
        assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.nb?")} == written


def generated(layer: str, preamble: str = "", *options: str) -> list[str]:
    """Return the LLVM IR and the assembly of launches, without the addresses in names."""
    code = """
import json, re
from numba import njit, prange

@njit(parallel=True)
def flat(x):
    for i in prange(x.size):
        x[i] += 1

@njit(parallel=True, nogil=True)
def nested(x):
    for i in prange(x.shape[0]):
        flat(x[i])

flat.compile("void(float64[::1])")
nested.compile("void(float64[:, ::1])")
texts = [kind(f) for f in (flat, nested) for kind in (type(f).inspect_llvm, type(f).inspect_asm)]
texts = [text for by_signature in texts for text in by_signature.values()]
address = "(gufunc_| at )0x[0-9a-f]+|[.](kernel|pickledata|picklebuf)[.][0-9]+"
print(json.dumps([re.sub(address, "", text) for text in texts]))
"""
    load = LOAD_TBB * (layer == "tbb")
    return run_python(preamble + load + code, THREE, layer=layer, options=options)


@pytest.mark.parametrize("layer", OTHER_LAYERS)
def test_p7_code_built_for_another_layer_is_numbas_to_the_byte(layer: str) -> None:
    numbas = generated(layer, WITHOUT_PACKAGE, "-S")
    assert generated(layer) == numbas
    assert generated("ompsafe") != numbas


# On 3.11 a thread cannot know that it holds the GIL for a sub-interpreter.
MAY_HOLD = ["CFUNCTYPE"] + ["PYFUNCTYPE"] * (sys.version_info >= (3, 12))


@pytest.mark.parametrize("own_gil", [False] + [True] * (sys.version_info >= (3, 13)))
@pytest.mark.parametrize("kind", MAY_HOLD)
def test_p5_a_launch_in_a_sub_interpreter_gives_up_the_gil(kind: str, own_gil: bool) -> None:
    launch = f"gil.meet_in_a_sub_interpreter({kind!r}, {own_gil})"
    assert run(f"print(gil.with_python_beside({launch}))") == 1000


@pytest.mark.parametrize("kind", ["CFUNCTYPE", "PYFUNCTYPE"])
def test_p5_a_launch_in_a_sub_interpreter_runs(kind: str) -> None:
    assert run(f"print(gil.launch_in_a_sub_interpreter({kind!r}))") == [1] * 64
