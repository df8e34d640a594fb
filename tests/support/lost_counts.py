"""What takes the main thread's count in torch: torch.set_num_threads on a helper thread."""

import contextlib
import queue
import threading

import numba_ompsafe


def helper():
    import torch

    thread = threading.Thread(target=torch.set_num_threads, args=(1,))
    thread.start()
    thread.join()


def pin_memory():
    """Run what DataLoader starts where there is an accelerator."""
    import torch  # noqa: F401
    from torch.utils.data._utils.pin_memory import _pin_memory_loop

    done = threading.Event()
    done.set()
    arguments = queue.Queue(), queue.Queue(), None, done, None

    def loop():
        # Without an accelerator it ends at looking for it.
        with contextlib.suppress(ValueError):
            _pin_memory_loop(*arguments)

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join()


def loader():
    from torch.utils.data import DataLoader

    assert len(list(DataLoader(range(8), num_workers=2))) == 8
    pin_memory()


def operation():
    """Run what torch sets the count of a thread at."""
    import torch

    assert torch.ones(1_000_000).sum().item() == 1_000_000


def lost():
    """Return the conflicts that tell of a count that will be lost."""
    found = numba_ompsafe.report().conflicts
    return [conflict for conflict in found if conflict.code == "torch-count-lost"]
