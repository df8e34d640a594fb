"""Situations that a report tells of, and the report's answer."""

import json

import numba_ompsafe


def fit():
    """Run scikit-learn's parallel code, and so the runtime in its wheel or the one before it."""
    import numpy as np
    from sklearn.cluster import KMeans

    KMeans(3, n_init=1, random_state=0).fit(np.arange(3000.0).reshape(-1, 3))


def codes():
    """Return the codes of the conflicts."""
    return [conflict.code for conflict in numba_ompsafe.report().conflicts]


def tell():
    """Print the codes and severities of the conflicts, and the conflicts in words."""
    conflicts = numba_ompsafe.report().conflicts
    rated = [[conflict.code, conflict.severity] for conflict in conflicts]
    print(json.dumps([rated, "\n".join(map(str, conflicts))]))
