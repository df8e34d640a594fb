"""Random spaces, up to the ends of the indices, for the schedule and for Numba's own.

    python tests/fuzz_schedule.py build/asan/tests/native/libschedule_fuzz.so --inputs 10000000

The library is that of tests/native/schedule_fuzz.cpp.
"""

import argparse
import ctypes
import sys

from numba.np.ufunc import workqueue


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares the schedule with Numba's own.")
    parser.add_argument("library")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    fuzz = ctypes.CDLL(options.library).fuzz_schedule
    fuzz.argtypes = (ctypes.c_uint64, ctypes.c_long, ctypes.c_int, ctypes.c_void_p)
    fuzz.restype = ctypes.c_long
    for kind in ("signed", "unsigned"):
        numbas = getattr(workqueue, f"do_scheduling_{kind}")
        overflows = fuzz(options.seed, options.inputs, kind == "signed", numbas)
        if overflows < 0:
            sys.exit(1)
        print(f"{kind}: {options.inputs} spaces are cut right, as Numba does but for {overflows}")


if __name__ == "__main__":
    main()
