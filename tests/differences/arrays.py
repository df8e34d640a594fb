"""Array expressions, functions of NumPy's that Numba makes parallel, masks, slices and stencils."""

import numpy as np
from numba import prange, stencil

from differences.drawing import STRIDED
from differences.kernels import dimensions, dtypes, loop


def _alike(draw, signature):
    """Arrays of one shape for all arguments with as many dimensions; now and then, others."""
    shapes = {ndim: draw.shape(ndim) for ndim in dimensions(signature)}
    return tuple(
        draw.array(dtype, draw.shape(ndim) if ndim and draw.chance(0.02) else shapes[ndim], STRIDED)
        if ndim
        else draw.count() % 400
        for dtype, ndim in zip(dtypes(signature), dimensions(signature), strict=True)
    )


def _same(draw, signature):
    """The same, but never of other shapes: Numba does not look at the lengths of all operands."""
    shape = {ndim: draw.shape(ndim) for ndim in dimensions(signature)}
    return tuple(
        draw.array(dtype, shape[ndim], STRIDED) if ndim else draw.size()
        for dtype, ndim in zip(dtypes(signature), dimensions(signature), strict=True)
    )


@loop("float64[:], float64[:]", "float32[:], float32[:]", "int64[:], int64[:]", draw=_alike)
def expression(x, y):
    return 2 * x + y * y - x / 3


@loop("float32[:,:], float32[:,:]", draw=_alike, njit={"fastmath": True})
def expression_fast(x, y):
    return (x + 1) / (y * y + 3) + np.sqrt(np.abs(x))


@loop("float64[:,:], float64[:,:]", draw=_alike)
def matrices(x, y):
    return np.sin(x) * y + np.exp(-np.abs(y))


@loop("float64[:,:], float64[:]", draw=_alike)
def matrix_and_row(x, row):
    return x * row - 1


@loop("float64[:,:,:], float64[:,:,:]", draw=_alike)
def cubes(x, y):
    return x - y * 0.5


@loop("int32[:,:,:,:], int32[:,:,:,:]", draw=_alike)
def four_dimensions(x, y):
    return (x ^ y) + 1, (x * y).sum()


@loop("int64, int64", draw=lambda draw, _: draw.shape(2))
def filled(m, n):
    return np.zeros((m, n)), np.full((n, m), 7), np.ones(m), np.eye(3)


@loop("int64, int64", draw=lambda draw, _: draw.shape(2))
def ranges(m, n):
    return np.arange(m), np.arange(m, n), np.arange(0.0, m, 0.5), np.linspace(0.0, n, m)


@loop("float64[:]", "float32[:]", "int64[:]", draw=_same, chunks=False)
def statistics(x):
    return x.sum(), x.prod(), x.mean(), x.var(), x.std()


@loop("float64[:]", "int64[:]", "float32[:]", draw=_same)
def least_and_most(x):
    return x.min(), x.max(), x.argmin(), x.argmax()


@loop("float64[:,:]", draw=_same, chunks=False)
def statistics_of_matrices(x):
    return x.sum(), x.mean(), x.var(), np.min(x), np.max(x)


@loop("float64[:], float64[:]", draw=_alike, chunks=False)
def products(x, y):
    return np.dot(np.ascontiguousarray(x), np.ascontiguousarray(y))


@loop("float64[:,:], float64[:]", draw=_same, chunks=False)
def matrix_by_vector(x, y):
    return np.dot(np.ascontiguousarray(x), np.ones(x.shape[1]) * y.sum())


@loop("float64[:], boolean[:]", draw=_same)
def masked_value(x, mask):
    x[mask] = -1.0
    return x


@loop("float64[:], boolean[:], float64[:]", draw=_same)
def masked_array(x, mask, y):
    x[mask] = y[mask] * 2
    return x


@loop("int64[:]", draw=_same)
def masked_by_comparison(x):
    x[x < 0] = 5
    return np.where(x > 3, x, -x)


@loop("float64[:]", draw=_same)
def slices_backwards(x):
    x[::-1] = x + 1
    y = x[::-2] * 3
    return y, x[1:] - x[:-1], x[-3:] * 2


@loop("float64[:,:]", draw=_same)
def slices_of_matrices(x):
    y = x[::-1, ::2] + 1
    x[:, :] = 4.0
    x[1:, :1] = 9.0
    return y, x.T * 2


@loop("float64[:], float64[:]", draw=_same)
def assigned(x, y):
    x[:] = y
    y[:] = 0
    x += 2
    return x


@loop("float64[:,:]", draw=_same)
def rows_apart(x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        out[i] = x[i].sum() + x[i, ::-1].sum()
    return out


@loop("float64[:]", draw=_same)
def comprehension(x):
    return np.array([2 * value for value in x]), np.array([i * 3 for i in range(x.size)])


@loop("complex128[:], float64[:]", draw=_same)
def complex_numbers(x, y):
    return x * y + 1j, np.abs(x), x.real + x.imag


@stencil
def _mean_of_three(x):
    return (x[-1] + x[0] + x[1]) / 3


@stencil(neighborhood=((-2, 1), (0, 1)), cval=7.0)
def _five(x):
    return x[-2, 0] - x[0, 0] + x[1, 1]


@loop("float64[:]", draw=lambda draw, _: (draw.array("float64", draw.size(3)),))
def stencil_of_rows(x):
    return _mean_of_three(x)


@loop(
    "float64[:,:]",
    draw=lambda draw, _: (draw.array("float64", draw.shape(2, least=4), STRIDED),),
)
def stencil_of_matrices(x):
    return _five(x)


@loop("float64[:]", draw=_same)
def copies(x):
    y = x.copy()
    z = np.empty_like(x)
    z[:] = y * 2
    y.fill(3)
    return y, z, np.zeros_like(x)


@loop("float64[:], float64[:]", draw=_same)
def compared(x, y):
    return x < y, x == y, (x > 0) & (y > 0), np.isnan(x)


@loop("float64[:,:], int64", draw=_same)
def many_launches(x, times):
    out = np.zeros(x.shape)
    for _ in range(times % 30):
        out = out + x
    return out
