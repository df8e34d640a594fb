"""UMAP on scikit-learn's digits; the package's sdist holds no tests."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from umap import UMAP, AlignedUMAP

DIGITS, LABELS = load_digits(return_X_y=True)
TRAINING, OTHERS, OF_TRAINING, OF_OTHERS = train_test_split(DIGITS, LABELS, random_state=0)


def recognized(places: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    return KNeighborsClassifier().fit(places, labels).predict(others)


@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("metric", ["euclidean", "hellinger"])
def test_neighbours_of_new_digits_are_of_their_kind(metric: str, seed: int | None) -> None:
    model = UMAP(metric=metric, random_state=seed).fit(TRAINING)
    found = recognized(model.embedding_, OF_TRAINING, model.transform(OTHERS))
    assert (found == OF_OTHERS).mean() > 0.9


def test_a_seed_gives_the_same_places_again() -> None:
    first, second = (UMAP(random_state=0).fit_transform(TRAINING) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_aligned_halves_stay_near_each_other() -> None:
    halves = [DIGITS[:600], DIGITS[300:900]]
    same = {i + 300: i for i in range(300)}
    first, second = AlignedUMAP(random_state=0).fit(halves, relations=[same]).embeddings_
    distances = np.linalg.norm(first[300:] - second[:300], axis=1)
    apart = np.linalg.norm(first[300:] - second[:300][::-1], axis=1)
    assert np.median(distances) < np.median(apart)
