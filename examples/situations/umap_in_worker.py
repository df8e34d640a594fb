"""UMAP is fitted in the parent process, then in a forked one. Needs umap-learn."""

import multiprocessing

import numpy as np
from umap import UMAP

points = np.random.default_rng(0).normal(size=(300, 10))


def fit() -> None:
    UMAP(n_neighbors=5, n_epochs=20).fit(points)


fit()
worker = multiprocessing.get_context("fork").Process(target=fit)
worker.start()
worker.join()
print("fitted" if worker.exitcode == 0 else f"worker ended with {worker.exitcode}")
