"""Augment digit images on the worker processes of a dask cluster, and train on what comes back.

    pip install "numba-ompsafe[torch,examples]"
    NUMBA_THREADING_LAYER=ompsafe python examples/dask_augmentation.py
    NUMBA_THREADING_LAYER=ompsafe python examples/dask_augmentation.py --scheduler tcp://host:8786

Without ``--scheduler`` it starts a cluster of processes on this machine. dask sets
``OMP_NUM_THREADS=1`` in each: as many threads in all as workers. Numba follows here; its own layers
do not.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from digits import COPIES, as_rows, distort, load
from distributed import Client, LocalCluster
from sklearn.linear_model import RidgeClassifier
from worker_report import WorkerReport, print_reports, report_of

BATCH = 128


def report(images: np.ndarray) -> WorkerReport:
    return report_of(lambda: distort(images, np.arange(len(images)), 0, epoch=0))


def augment(images: np.ndarray, epoch: int) -> np.ndarray:
    """Return normalised, distorted copies of the images, as rows."""
    return as_rows(distort(images, np.arange(len(images)), 0, epoch))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scheduler", help="address of a cluster that is running")
    parser.add_argument("--workers", type=int, choices=range(1, 65), default=2, metavar="N")
    parser.add_argument("--epochs", type=int, choices=range(1, 1001), default=8, metavar="N")
    return parser.parse_args()


@contextmanager
def cluster_of(options: argparse.Namespace) -> Iterator[Client]:
    """Connect to the cluster that was asked for, or to one of this machine's processes."""
    if options.scheduler is None:
        with (
            LocalCluster(
                n_workers=options.workers, threads_per_worker=1, dashboard_address=":0"
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
    else:
        with Client(options.scheduler) as client:
            for module in ("digits.py", "worker_report.py"):  # the workers have no copy of these
                client.upload_file(str(Path(__file__).with_name(module)))
            yield client


def main() -> None:
    options = parse_options()
    images, test_images, digits, test_digits = load()
    with cluster_of(options) as client:
        reports = client.run(report, images)
        starts = range(0, len(images), BATCH)
        batches = client.scatter([images[start : start + BATCH] for start in starts])
        begin = time.perf_counter()
        tasks = [
            client.submit(augment, batch, epoch)
            for epoch in range(options.epochs)
            for batch in batches
        ]
        rows = np.concatenate(client.gather(tasks))
        rate = len(rows) / (time.perf_counter() - begin)

    classifier = RidgeClassifier()
    classifier.fit(rows, np.tile(np.repeat(digits, COPIES), options.epochs))
    print_reports(reports.values())
    print(f"accuracy                    {classifier.score(as_rows(test_images), test_digits):.1%}")
    print(f"augmented                   {rate:,.0f} images per second")


if __name__ == "__main__":
    main()
