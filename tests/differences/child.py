"""What the process of a layer runs: programs, one after the other; each line of it says what was.

Its argument is the layer, or "show"; what it is asked (layers.Asked) it reads, as JSON.
"""

import functools
import json
import sys
import traceback
import warnings

import numba
import numpy as np

from differences import digests
from differences.layers import NOT_COMPILED
from differences.programs import Program, kernels_of


def main():
    asked = json.load(sys.stdin)
    layer = sys.argv[1]
    warnings.simplefilter("ignore")
    kernels = _kernels(asked)
    for number in asked["numbers"]:
        program = Program.drawn(asked["seed"], number, kernels)
        kernel = program.kernel
        if kernel.name in asked["without"] or (layer == "workqueue" and not kernel.workqueue):
            continue
        tell("compile", number, kernel.name)
        try:
            compiled(kernel.name, kernel.compiled)
        except Exception as error:
            tell("end", number, [NOT_COMPILED + digests.of_exception(error)], None)
            continue
        tell("begin", number, kernel.name)
        found = [
            outcome(program, compiled(kernel.name, kernel.compiled), asked["in_full"])
            for _ in range(kernel.times * asked["times"])
        ]
        expected = kernel.expected and outcome(program, kernel.expected, asked["in_full"])
        tell("end", number, sorted(set(found)), expected)
        assert numba.threading_layer() == layer


def _kernels(asked):
    return kernels_of(asked["seed"], asked["kernels"], asked["only"])


def tell(*what):
    print(json.dumps(what), flush=True)


@functools.cache
def compiled(_, compile_kernel):
    return compile_kernel()


def outcome(program, function, in_full):
    """Call it once; say what it has returned or raised, and written to its arguments."""
    call, arguments = program.arguments()
    numba.set_num_threads(program.threads)
    numba.set_parallel_chunksize(program.chunk)
    try:
        result = call(function, arguments)
        told = digests.of_result(result)
        if in_full:
            told += f" {digests.in_full(result)}"
    except Exception as error:
        told = digests.of_exception(error)
    finally:
        numba.set_parallel_chunksize(0)
    told += f", then {digests.of_result(arguments)}"
    if in_full:
        told += f" {digests.in_full(arguments)}"
    return told


def show():
    """Print a program in full."""
    asked = json.load(sys.stdin)
    (number,) = asked["numbers"]
    program = Program.drawn(asked["seed"], number, _kernels(asked))
    print(f"{program.kernel.name}, {program.threads} threads, chunk size {program.chunk}")
    if program.kernel.source:
        print(program.kernel.source)
    with np.printoptions(threshold=digests.LINES, linewidth=100):
        print(program.arguments()[1])


if __name__ == "__main__":
    if sys.argv[1] == "show":
        show()
    else:
        try:
            main()
        except Exception:  # of a call's, there is none that is not told of
            tell("fault", traceback.format_exc())
