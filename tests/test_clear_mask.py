"""P8, control: clear_mask() takes back what numba.set_num_threads said on this thread."""

from harness.runtimes import GNU
from harness.thread_blocks import results_of


def test_p8_clear_mask_goes_back_to_the_rules() -> None:
    code = """
import numba_ompsafe
clear_mask()
results["before the launch"] = here()
set_num_threads(2)
on_second_thread(set_num_threads, 1)
clear_mask()
clear_mask()
results["nthreads-var"] = here()
openmp.bound().set_num_threads(6)
results["followed"] = here()
set_num_threads(2)
numba_ompsafe.set_default_num_threads(5)
clear_mask()
results["default"] = here()
results["another thread's mask"] = on_second_thread(here)
"""
    assert results_of(code, {"OMP_NUM_THREADS": "3"} | GNU) == {
        "before the launch": 3,
        "nthreads-var": 3,
        "followed": 6,
        "default": 5,
        "another thread's mask": 1,
    }


def test_p8_clear_mask_under_another_layer_is_an_error_that_says_what_to_do() -> None:
    code = """
import numba_ompsafe
here()
try:
    clear_mask()
except numba_ompsafe.LayerAlreadyLaunchedError as error:
    results["error"] = str(error)
"""
    error = results_of(code, layer="workqueue")["error"]
    assert error.startswith("clear_mask: Numba's threading layer 'workqueue' runs")
    assert "NUMBA_THREADING_LAYER=ompsafe" in error
