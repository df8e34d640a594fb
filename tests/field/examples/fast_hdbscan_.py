"""fast_hdbscan on blobs and scikit-learn's digits; the package's sdist holds no tests."""

import fast_hdbscan
import numpy as np
import pytest
from sklearn.cluster import HDBSCAN
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score


@pytest.mark.parametrize("seed", range(3))
def test_blobs_are_found(seed: int) -> None:
    points, _ = make_blobs(2_000, centers=5, cluster_std=0.3, random_state=seed)
    found = fast_hdbscan.HDBSCAN(min_cluster_size=30).fit_predict(points)
    theirs = HDBSCAN(min_cluster_size=30, copy=True).fit_predict(points)
    assert adjusted_rand_score(theirs, found) > 0.9


def test_digits_are_found_as_by_scikit_learn() -> None:
    points = PCA(5, random_state=0).fit_transform(load_digits().data)
    found = fast_hdbscan.HDBSCAN(min_cluster_size=20).fit_predict(points)
    theirs = HDBSCAN(min_cluster_size=20, copy=True).fit_predict(points)
    assert adjusted_rand_score(theirs, found) > 0.9


def test_clusters_are_the_same_again() -> None:
    points = PCA(5, random_state=0).fit_transform(load_digits().data)
    first, second = (fast_hdbscan.HDBSCAN().fit_predict(points) for _ in range(2))
    np.testing.assert_array_equal(first, second)
