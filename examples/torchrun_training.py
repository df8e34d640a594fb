"""Train one network in several processes: Numba augments each one's share, gloo sums gradients.

    pip install "numba-ompsafe[torch,examples]"
    NUMBA_THREADING_LAYER=ompsafe torchrun --nproc-per-node 2 examples/torchrun_training.py

``torchrun`` sets ``OMP_NUM_THREADS=1`` in each process, unless it is set already: as many threads
in all as processes. Torch obeys, and Numba with it. Numba's own layers do not.
"""

import argparse
import time

import numpy as np
import torch
import torch.distributed as dist
from digits import BATCH, COPIES, accuracy, distort, load, make_network, network_input
from torch import nn
from worker_report import print_reports, report_of


def average_gradients(net: nn.Module) -> None:
    """Replace each gradient by its mean over all processes."""
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(together)
    together /= dist.get_world_size()
    for gradient, mean in zip(
        gradients, together.split([gradient.numel() for gradient in gradients]), strict=True
    ):
        gradient.copy_(mean.view_as(gradient))


def train(net: nn.Module, images: np.ndarray, digits: np.ndarray, epochs: int) -> int:
    """Train on this process's share; return how many images all processes have trained on."""
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3)
    rank, processes = dist.get_rank(), dist.get_world_size()
    trained_on = 0
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH][rank::processes]
            inputs = network_input(distort(images, chosen, 0, epoch))
            labels = torch.from_numpy(np.repeat(digits[chosen], COPIES))
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(inputs), labels).backward()
            average_gradients(net)
            optimiser.step()
            trained_on += BATCH * COPIES
    return trained_on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, choices=range(1, 1001), default=8, metavar="N")
    options = parser.parse_args()

    dist.init_process_group("gloo")
    torch.manual_seed(0)  # the same network everywhere
    images, test_images, digits, test_digits = load()
    net = make_network()

    reports = [None] * dist.get_world_size()
    report = report_of(lambda: distort(images, np.arange(len(images)), 0, epoch=0))
    dist.all_gather_object(reports, report)
    dist.barrier()
    start = time.perf_counter()
    trained_on = train(net, images, digits, options.epochs)
    rate = trained_on / (time.perf_counter() - start)

    # On every rank: those that ended while the first was still at it aborted now and then.
    score = accuracy(net, test_images, test_digits)
    if dist.get_rank() == 0:
        print_reports(reports)
        print(f"accuracy                    {score:.1%}")
        print(f"augmented and trained on    {rate:,.0f} images per second")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
