"""Train on digit images that Numba augments on several Python threads, in the same process.

    pip install "numba-ompsafe[torch,examples]"
    export NUMBA_THREADING_LAYER=ompsafe OMP_WAIT_POLICY=passive
    python examples/thread_loader.py

Threads make the next batches while the main thread trains: nothing is pickled, and nothing is
copied from one process to another. Their functions are parallel themselves, and give up the GIL, so
that several launch at once. Numba's ``workqueue`` ends the process there; here the launches share
the cores. ``passive``, since the cores are taken: torch's idle threads would spin there in vain.
"""

import argparse
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import torch
from digits import BATCH, COPIES, accuracy, distort, learn, load, make_network, network_input

Batch = tuple[torch.Tensor, torch.Tensor]


class ThreadLoader:
    """Batches of augmented images, in order, made by threads a little ahead of their use."""

    def __init__(self, images: np.ndarray, digits: np.ndarray, threads: int) -> None:
        self.images, self.digits = images, digits
        self.pool = ThreadPoolExecutor(threads)
        self.ahead = 2 * threads  # batches that are made, or being made, and wait for the training
        self.made_by: dict[str, int] = {}  # Numba's thread count on each thread

    def make(self, chosen: np.ndarray, epoch: int) -> Batch:
        """Return the chosen images, augmented, and their digits: on a thread of the pool."""
        inputs = network_input(distort(self.images, chosen, 0, epoch))
        self.made_by[threading.current_thread().name] = numba.get_num_threads()
        return inputs, torch.from_numpy(np.repeat(self.digits[chosen], COPIES))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield all batches once, in another order in each epoch."""
        order = np.random.default_rng(epoch).permutation(len(self.images))
        waiting = deque()
        for start in range(0, len(order), BATCH):
            waiting.append(self.pool.submit(self.make, order[start : start + BATCH], epoch))
            if len(waiting) > self.ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, choices=range(1, 65), default=4, metavar="N")
    parser.add_argument("--epochs", type=int, choices=range(1, 1001), default=4, metavar="N")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    torch.manual_seed(0)
    images, test_images, digits, test_digits = load()
    net = make_network()
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3)
    print(f"accuracy before             {accuracy(net, test_images, test_digits):.1%}")

    loader = ThreadLoader(images, digits, options.threads)
    start = time.perf_counter()
    for epoch in range(options.epochs):
        for inputs, labels in loader.epoch(epoch):
            learn(net, optimiser, inputs, labels)
    seconds = time.perf_counter() - start
    loader.pool.shutdown()

    counts = ", ".join(map(str, sorted(set(loader.made_by.values()))))
    print(f"{len(loader.made_by)} loader threads            Numba {counts}")
    print(f"main thread                 Numba {numba.get_num_threads()}   ", end="")
    print(f"torch {torch.get_num_threads()}")
    print(f"threading layer             {numba.threading_layer()}")
    print(f"accuracy after              {accuracy(net, test_images, test_digits):.1%}")
    print(f"{options.epochs} epochs                    {seconds:.1f} s")


if __name__ == "__main__":
    main()
