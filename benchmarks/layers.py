"""The layers that are measured side by side, and what each needs to load."""

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import LIMIT, Setting

OURS = "ompsafe"
PEERS = ("omp", "tbb", "workqueue")
LAYERS = (OURS, *PEERS)

_SPEAKS_OF_THREADS = ("OMP_", "GOMP_", "KMP_", "MKL_", "NUMBA_", "OPENBLAS_", "LD_PRELOAD")


def environment(layer: str, setting: Setting) -> dict[str, str]:
    """Return the environment of a process that measures ``layer``."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_SPEAKS_OF_THREADS)
    }
    if setting.numba_threads:
        kept["NUMBA_NUM_THREADS"] = str(setting.numba_threads)
    kept["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's threads would spin beside those measured
    if layer != LIMIT:
        kept["NUMBA_THREADING_LAYER"] = layer
    # What one layer has compiled would run under the others, too, with its way to take the GIL.
    kept["NUMBA_CACHE_DIR"] = str(Path(__file__).parent / "__pycache__" / layer)
    return kept


def make_loadable(layer: str) -> None:
    """Load TBB's library where ``pip install tbb`` puts it, which Numba does not look into."""
    if layer != "tbb":
        return
    library = Path(sys.prefix, "lib", "libtbb.so.12")
    if library.exists():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


def check_selected(layer: str) -> None:
    """Raise RuntimeError if a layer was launched, and another than ``layer``."""
    from numba.np.ufunc import parallel

    launched = parallel._threading_layer
    if launched not in (None, layer):
        raise RuntimeError(f"{launched} was launched in place of {layer}")


def peers_among(layers: Iterable[str]) -> list[str]:
    """Return Numba's own layers out of ``layers``."""
    return [layer for layer in layers if layer in PEERS]
