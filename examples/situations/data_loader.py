"""A DataLoader's workers call the parallel Numba function that the main process has called."""

import numpy as np
from parallel import doubled
from torch.utils.data import DataLoader


class Items:
    """What the workers are to make."""

    def __len__(self) -> int:
        return 80

    def __getitem__(self, index: int) -> np.ndarray:
        return doubled(np.full(10_000, index, dtype=float))


items = Items()
items[0]  # to look at one, as notebooks do
batches = DataLoader(items, batch_size=10, num_workers=2, multiprocessing_context="fork")
print(f"{sum(len(batch) for batch in batches)} of 80 items")
