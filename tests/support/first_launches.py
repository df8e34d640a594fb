"""First launches, where calls of the C library fail meanwhile.

For children of a process that has Numba, maybe torch, and nothing of the layer yet: it does not ask
for it.
"""

import forks
import kernels
import numba
import openmp
from faults import let_it_be_forgotten
from python_threads import here, on_new_thread, on_second_thread

# Numba imports much at its first compilation, and launches nothing for this one.
kernels.compute_until.compile("(int64[::1], int64, float64)")

_PLACES = (here, on_new_thread, on_second_thread, forks.in_child)


def _everywhere():
    """Launch on this thread, on one that ends, on one that stays, and in a child."""
    return [place(kernels.launch) for place in _PLACES]


def case(failing):
    """Return the counts of first launches, or their error; the counts of later ones; the runtimes.

    Runtimes are those of later launches, the one that they run on first.
    """
    forks.ask_for_the_layer()
    numba.config.NUMBA_NUM_THREADS = 8
    with failing:
        try:
            first = _everywhere()
        except UnicodeError:
            raise  # nobody's answer to a failing call: the child tells where it comes from
        except Exception as error:
            first = f"{type(error).__name__}: {error}"
    let_it_be_forgotten()
    later = _everywhere()
    others = set(openmp.runtimes()) - {openmp.bound_path()}
    return [first, later, [openmp.bound_path(), *sorted(others)]]
