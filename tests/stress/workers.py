"""What worker processes do, which import this by its name."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import kernels
import numpy as np


def work(size):
    """Launch; return the sum of so many ones, and of the parent's and the child's ids."""
    assert kernels.launch() > 0
    return kernels.total(np.ones(size))


def run_pool(method):
    """Have two processes launch."""
    sizes = [1, 10, 1000]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(work, sizes)) == sizes


class Data:
    """A dataset whose items are launched for."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return work(index + 1)


def run_loader(method):
    """Have torch's workers launch."""
    from torch.utils.data import DataLoader

    loader = DataLoader(Data(), batch_size=2, num_workers=2, multiprocessing_context=method)
    assert [batch.tolist() for batch in loader] == [[1, 2], [3, 4], [5, 6]]
