"""Rules on counts that one thread takes from another."""

from collections.abc import Iterator

from numba_ompsafe._report.record import Conflict, Report


def torch_count_lost(report: Report) -> Iterator[Conflict]:
    """Another thread's ``torch.set_num_threads`` may become the main thread's count, too."""
    count, to_come = report.counts.torch, report.counts.torch_to_come
    if count is None or to_come is None:
        return
    yield Conflict(
        code="torch-count-lost",
        severity="moderate",
        found=(
            f"another thread has called torch.set_num_threads({to_come}): torch's count on the "
            f"main thread is {count} and will be {to_come} from its next parallel operation on, "
            "unless torch ran one there, or was asked for its count there, before that call"
        ),
        effect=(
            "the call may have been meant for that thread alone, as DataLoader(pin_memory=True) "
            "means it; the main thread's torch keeps to it for good, and so does a Numba that "
            f"follows it; new Python threads have {to_come} in any case"
        ),
        remedy=(
            f"torch.set_num_threads({count}); torch.get_num_threads() on the main thread, once, "
            "best before the first DataLoader begins: torch then keeps its count there. A launch "
            "of the layer ompsafe there does so, too"
        ),
    )
