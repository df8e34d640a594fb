"""Sets Numba's threading layer as pynndescent does when it is imported."""

import numba

if numba.config.THREADING_LAYER == "omp":
    try:
        from numba.np.ufunc import tbbpool  # noqa: F401

        numba.config.THREADING_LAYER = "tbb"
    except ImportError:
        numba.config.THREADING_LAYER = "workqueue"
