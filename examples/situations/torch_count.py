"""A program says how many threads torch may use, then calls a parallel Numba function."""

import numba
import numpy as np
import torch
from parallel import doubled

torch.set_num_threads(1)
torch.ones(1_000_000).mean()
doubled(np.ones(100_000))
print(f"torch {torch.get_num_threads()}, Numba {numba.get_num_threads()}")
