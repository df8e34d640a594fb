"""Train on digit images that Numba augments in the workers of a torch DataLoader.

The workers are forked from a process whose thread pool Numba and torch have both used, which kills
them under Numba's own ``omp``. In each worker torch sets itself to one thread, and Numba follows.

    pip install "numba-ompsafe[torch,examples]"
    NUMBA_THREADING_LAYER=ompsafe python examples/data_loader.py
    NUMBA_THREADING_LAYER=ompsafe python examples/data_loader.py --start-method spawn
"""

import argparse
import time

import numba
import numpy as np
import torch
from digits import BATCH, COPIES, accuracy, distort, learn, load, make_network, network_input
from torch.utils.data import DataLoader, Dataset
from worker_report import WorkerReport, print_reports, report_of

Batch = tuple[torch.Tensor, torch.Tensor, WorkerReport]


class AugmentedDigits(Dataset[Batch]):
    """Batches of augmented images. An item is made in whichever process asks for it."""

    def __init__(self, images: np.ndarray, digits: np.ndarray) -> None:
        self.images, self.digits = images, digits
        self.report: WorkerReport | None = None

    def __len__(self) -> int:
        return len(self.images) // BATCH

    def __getitem__(self, batch: int) -> Batch:
        chosen = np.arange(batch * BATCH, (batch + 1) * BATCH)
        seed = int(torch.initial_seed() % 2**32)  # another one in each epoch
        if self.report is None:
            self.report = report_of(lambda: distort(self.images, chosen, seed, epoch=0))
        inputs = network_input(distort(self.images, chosen, seed, epoch=0))
        return inputs, torch.from_numpy(np.repeat(self.digits[chosen], COPIES)), self.report


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--start-method", choices=["fork", "spawn", "forkserver"], default="fork")
    parser.add_argument("--persistent-workers", action="store_true")
    parser.add_argument("--workers", type=int, choices=range(1, 65), default=2, metavar="N")
    parser.add_argument("--epochs", type=int, choices=range(1, 1001), default=4, metavar="N")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    torch.manual_seed(0)
    images, test_images, digits, test_digits = load()
    net = make_network()
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3)
    print(f"accuracy before             {accuracy(net, test_images, test_digits):.1%}")

    batches = DataLoader(
        AugmentedDigits(images, digits),
        batch_size=None,
        shuffle=True,
        num_workers=options.workers,
        persistent_workers=options.persistent_workers,
        multiprocessing_context=options.start_method,
    )
    start = time.perf_counter()
    for _ in range(options.epochs):
        reports = []  # of the last epoch's workers
        for inputs, labels, report in batches:
            reports.append(report)
            learn(net, optimiser, inputs, labels)
    seconds = time.perf_counter() - start

    print_reports(reports)
    counts = f"Numba {numba.get_num_threads()}   torch {torch.get_num_threads()}"
    print(f"main process                {counts}")
    print(f"accuracy after              {accuracy(net, test_images, test_digits):.1%}")
    print(f"{options.epochs} epochs                    {seconds:.1f} s")


if __name__ == "__main__":
    main()
