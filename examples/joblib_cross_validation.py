"""Cross-validate a classifier with joblib, each fold on images that Numba augments in its worker.

    pip install "numba-ompsafe[torch,examples]"
    NUMBA_THREADING_LAYER=ompsafe python examples/joblib_cross_validation.py

joblib's workers (loky) are new interpreters, in which it sets ``OMP_NUM_THREADS`` and
``NUMBA_NUM_THREADS`` to the cores divided by the workers; ``inner_max_num_threads`` says otherwise.
"""

import argparse
import time

import numpy as np
from digits import COPIES, as_rows, distort, load
from joblib import Parallel, delayed, parallel_config
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import KFold
from worker_report import WorkerReport, print_reports, report_of


def score(
    images: np.ndarray, digits: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[float, WorkerReport]:
    """Train on augmented copies of one part, and return the accuracy on the other."""
    report = report_of(lambda: distort(images, train, 0, epoch=0))
    classifier = RidgeClassifier()
    classifier.fit(as_rows(distort(images, train, 0, epoch=0)), np.repeat(digits[train], COPIES))
    return float(classifier.score(as_rows(images[test]), digits[test])), report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, choices=range(1, 65), default=2, metavar="N")
    parser.add_argument("--threads-per-job", type=int, choices=range(1, 65), metavar="N")
    options = parser.parse_args()

    images, _, digits, _ = load()
    folds = KFold(4, shuffle=True, random_state=0).split(images)
    start = time.perf_counter()
    with parallel_config("loky", inner_max_num_threads=options.threads_per_job):
        results = Parallel(n_jobs=options.jobs)(
            delayed(score)(images, digits, train, test) for train, test in folds
        )
    seconds = time.perf_counter() - start

    print_reports(report for _, report in results)
    print(f"accuracy                    {np.mean([accuracy for accuracy, _ in results]):.1%}")
    print(f"four folds                  {seconds:.1f} s")


if __name__ == "__main__":
    main()
