"""Runs Numba's own tests of parallel code, unchanged, on this layer.

They ask for Numba's layer ``omp`` by name, so the layer is served as that (NUMBA_OMPSAFE_AS_OMP=1).

    python tests/run_numba_tests.py          all of them: about an hour on two cores
    python tests/run_numba_tests.py --quick  the part that ends in minutes
"""

import argparse
import os
import subprocess
import sys
import time

BACKEND = "numba.tests.test_parallel_backend.TestParallelBackend"
NUM_THREADS = "numba.tests.test_num_threads"
SMALL = [
    "numba.tests.npyufunc.test_parallel_ufunc_issues",
    "numba.tests.npyufunc.test_parallel_low_work",
    "numba.tests.doc_examples.test_parallel_chunksize",
]

# (NUMBA_NUM_THREADS, tests): how many tests of masks there are depends on the first.
ALL = [
    ("2", [NUM_THREADS]),
    ("4", [NUM_THREADS]),
    ("8", [NUM_THREADS]),
    ("2", [BACKEND]),
    ("2", SMALL),
    ("2", ["numba.tests.test_parfors"]),
]
QUICK = [
    ("2", ["-k", "omp_2_threads", NUM_THREADS]),
    ("2", [f"{BACKEND}.test_multiprocessing_fork_concurrent_guvectorize"]),
    ("2", SMALL),
    ("2", ["numba.tests.test_parfors.TestParforChunksizing"]),
    ("2", ["numba.tests.test_parfors.TestParforReductionSetNumThreads"]),
]


def run(threads: str, tests: list[str]) -> bool:
    """Run tests in a process of their own; tell and return whether they passed."""
    environment = os.environ | {
        "NUMBA_OMPSAFE_AS_OMP": "1",
        "NUMBA_THREADING_LAYER": "omp",
        "NUMBA_NUM_THREADS": threads,
    }
    started = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-m", "numba.runtests", *tests],
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - started
    *_, ran, _, verdict = process.stderr.strip().splitlines() or ["", "", "no output"]
    print(f"{' '.join(tests)}, {threads} threads: {ran}: {verdict} [{seconds:.0f} s]", flush=True)
    if process.returncode != 0:
        print(process.stdout, process.stderr, sep="\n", flush=True)
    return process.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the part that ends in minutes")
    groups = QUICK if parser.parse_args().quick else ALL
    passed = [run(threads, tests) for threads, tests in groups]
    print(f"{sum(passed)} of {len(passed)} groups passed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
