"""Parallel generalized ufuncs of several layouts, on arrays of all layouts and shapes."""

import re
from functools import partial

import numba
import numpy as np

from differences.drawing import ALL
from differences.kernels import Kernel, add, dtypes
from differences.ufuncs import CASTINGS, DTYPES, call


def _gufunc(signatures, layout, **options):
    def register(function):
        add(
            Kernel(
                f"gufunc {function.__name__}",
                partial(_compiled, function, signatures, layout, options),
                partial(_any_call, signatures, layout),
                weight=3,
            )
        )
        return function

    return register


def _compiled(function, signatures, layout, options):
    signatures = [f"void({signature})" for signature in signatures]
    make = numba.guvectorize(signatures, layout, target="parallel", cache=True, **options)
    return make(function)


def _cores(text):
    """The names of the dimensions of each argument: [["m", "n"], []] of "(m,n),()"."""
    return [re.findall(r"\w+", inside) for inside in re.findall(r"\(([^)]*)\)", text)]


def _any_call(signatures, layout, draw):
    inputs_text, outputs_text = layout.split("->")
    cores, result_cores = _cores(inputs_text), _cores(outputs_text)
    names = sorted({name for core in cores for name in core})
    lengths = {name: draw.choice((0, 1, 2, 3, 5, 8, 20)) for name in names}
    outer = draw.shape(draw.choice((0, 1, 1, 1, 2, 3)))
    if len(outer) == 1 and draw.chance(0.5):
        outer = (draw.size(),)
    dtype = dtypes(draw.choice(signatures))[0]
    if draw.chance(0.2):
        dtype = draw.choice(DTYPES)
    inputs = [draw.array(dtype, _shape(draw, outer, core, lengths), ALL) for core in cores]
    options = {}
    if draw.chance(0.3):
        shapes = [(*outer, *(lengths[name] for name in core)) for core in result_cores]
        layouts = [name for name in ALL if not name.startswith("one") or draw.chance(0.02)]
        kind = dtypes(signatures[0])[0]
        if draw.chance(0.2):
            kind = draw.choice(DTYPES)
        outs = [draw.array(kind, shape, layouts) for shape in shapes]
        if outs[0].shape == inputs[0].shape and draw.chance(0.5):
            outs[0] = draw.choice((inputs[0], inputs[0][::-1] if outer else inputs[0]))
        options["out"] = tuple(outs)
    if draw.chance(0.1):
        options["casting"] = draw.choice(CASTINGS)
    if draw.chance(0.05):
        options["dtype"] = draw.choice(DTYPES)
    if draw.chance(0.1) and names:
        options["axes" if draw.chance(0.2) else "axis"] = draw.choice((0, -1, 1))
    return call, ("", "ignore", inputs, options)


def _shape(draw, outer, core, lengths):
    """Return the shape of an argument; now and then, one that does not fit the others."""
    shape = [1 if draw.chance(0.15) else length for length in outer]
    if draw.chance(0.15):
        shape = shape[draw.random.randint(0, len(shape)) :]
    shape += [lengths[name] for name in core]
    if shape and draw.chance(0.02):
        shape[draw.random.randrange(len(shape))] += 1
    return tuple(shape)


@_gufunc(["int64, int64[:]", "float64, float64[:]"], "()->()")
def doubled(x, out):
    out[0] = 2 * x


@_gufunc(["float64[:], float64[:]", "float32[:], float32[:]"], "(n)->()")
def row_sum(x, out):
    found = x.dtype.type(0)
    for i in range(x.size):
        found += x[i]
    out[0] = found


@_gufunc(["float64[:], float64[:]"], "(n)->()", fastmath=True)
def row_sum_fast(x, out):
    found = 0.0
    for i in range(x.size):
        found += x[i] / (1 + x[i] * x[i])
    out[0] = found


@_gufunc(["int64[:], int64[:]", "float64[:], float64[:]"], "(n)->(n)")
def running_sum(x, out):
    found = x.dtype.type(0)
    for i in range(x.size):
        found += x[i]
        out[i] = found


@_gufunc(["float64[:], float64[:], float64[:]"], "(n),(n)->()")
def dot(x, y, out):
    found = 0.0
    for i in range(x.size):
        found += x[i] * y[i]
    out[0] = found


@_gufunc(["float64[:], float64, float64[:]"], "(n),()->(n)")
def scaled(x, a, out):
    for i in range(x.size):
        out[i] = x[i] * a


@_gufunc(["float64[:,:], float64[:,:], float64[:,:]"], "(m,k),(k,n)->(m,n)")
def product(a, b, out):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            found = 0.0
            for k in range(a.shape[1]):
                found += a[i, k] * b[k, j]
            out[i, j] = found


@_gufunc(["int32[:], int32[:], int32[:,:]"], "(m),(n)->(m,n)")
def differences(x, y, out):
    for i in range(x.size):
        for j in range(y.size):
            out[i, j] = x[i] - y[j]


@_gufunc(["float64[:], float64[:], int64[:]"], "(n)->(),()")
def most_and_where(x, most, where):
    most[0], where[0] = -np.inf, -1
    for i in range(x.size):
        if x[i] > most[0]:
            most[0], where[0] = x[i], i


@_gufunc(["complex128[:], complex128[:]"], "(n)->(n)")
def reversed_row(x, out):
    for i in range(x.size):
        out[i] = x[x.size - 1 - i]


@_gufunc(["int64[:], int64[:]"], "(n)->()")
def raising(x, out):
    out[0] = x.size
    for i in range(x.size):
        if x[i] == 7:
            raise ValueError("seven")
