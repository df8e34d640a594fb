"""UMAP on scikit-learn's digits; the package's sdist holds no tests."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from umap import UMAP

DIGITS, LABELS = load_digits(return_X_y=True)
TRAINING, OTHERS, OF_TRAINING, OF_OTHERS = train_test_split(DIGITS, LABELS, random_state=0)


@pytest.mark.parametrize("seed", [None, 0])
def test_neighbours_of_new_digits_are_of_their_kind(seed: int | None) -> None:
    model = UMAP(random_state=seed).fit(TRAINING)
    neighbours = KNeighborsClassifier().fit(model.embedding_, OF_TRAINING)
    assert neighbours.score(model.transform(OTHERS), OF_OTHERS) > 0.9


def test_a_seed_gives_the_same_places_again() -> None:
    first, second = (UMAP(random_state=0).fit_transform(TRAINING) for _ in range(2))
    np.testing.assert_array_equal(first, second)
