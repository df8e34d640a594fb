"""P2 and P7: code that was cached under one layer has all its threads under another."""

from pathlib import Path

import pytest
from harness.processes import run_python
from harness.runtimes import TBB

# On three threads, whatever the layer. TBB is loaded from where pip puts it.
CODE = """
import ctypes, json, os, sys
from pathlib import Path
tbb = Path(sys.prefix, "lib", "libtbb.so.12")
if "tbb" in os.environ["NUMBA_THREADING_LAYER"]:
    ctypes.CDLL(str(tbb), mode=ctypes.RTLD_GLOBAL)
import numba
numba.get_num_threads()
import parallel_gufuncs, parallel_ufuncs, pranges, took_part
cases = {
    name: kind.CASES[name]
    for kind, name in (
        (pranges, "range"),
        (pranges, "2-d"),
        (pranges, "float64 +"),
        (pranges, "from compiled code"),
        (parallel_ufuncs, "1 inputs, plain"),
        (parallel_ufuncs, "4 inputs, out"),
        (parallel_gufuncs, "(n)->()"),
        (parallel_gufuncs, "(m,n),(n)->(m)"),
    )
}
layer = os.environ["NUMBA_THREADING_LAYER"]
# TBB's threads come when they come: it may have done without them.
threads = took_part.by_case(cases, 0.1 if layer == "tbb" else 10)
assert numba.threading_layer() == layer
print(json.dumps(threads))
"""


def threads_by_case(layer: str, cache: Path) -> dict[str, int]:
    """Return how many threads took part in each case."""
    env = {"NUMBA_NUM_THREADS": "3", "NUMBA_CACHE_DIR": str(cache)}
    return run_python(CODE, env, layer=layer)


def written(cache: Path) -> dict[Path, int]:
    """Return what is in the cache, and when it was written."""
    return {file: file.stat().st_mtime_ns for file in cache.rglob("*.nb?")}


@pytest.mark.parametrize("layer", ["omp", "workqueue", "tbb"])
def test_p2_code_cached_under_another_layer_and_the_other_way_round(
    layer: str, tmp_path: Path
) -> None:
    if layer == "tbb" and not TBB.exists():
        pytest.skip("TBB is not installed by pip")
    for first, second in ((layer, "ompsafe"), ("ompsafe", layer)):
        cache = tmp_path / first
        compiled, of_first = threads_by_case(first, cache), written(cache)
        loaded = threads_by_case(second, cache)
        assert written(cache) == of_first  # or the second had to compile
        for ran, threads in ((first, compiled), (second, loaded)):
            if ran != "tbb":
                assert threads == dict.fromkeys(threads, 3), (first, second)
