"""Parallel ufuncs, called in the ways that NumPy has, on arrays of all layouts."""

from functools import partial

import numba
import numpy as np

from differences.drawing import ALL, with_room
from differences.kernels import Kernel, add, dtypes

DTYPES = ("float64", "float32", "int64", "int32", "uint8", "float16", "complex128", "bool")
CASTINGS = ("unsafe", "same_kind", "safe", "equiv", "no")


def _ufunc(*signatures, draw=None, times=2, name="", chunks=True, expected=None, **options):
    """Register a ufunc of these signatures."""

    def register(function):
        add(
            Kernel(
                f"ufunc {name or function.__name__}",
                partial(_compiled, function, signatures, options),
                draw or partial(_any_call, function.__code__.co_argcount, signatures),
                chunks=chunks,
                times=times,
                expected=expected,
                weight=3,
            )
        )
        return function

    return register


def _compiled(function, signatures, options):
    return numba.vectorize(list(signatures), target="parallel", cache=True, **options)(function)


def call(ufunc, arguments):
    """Call it, or a method of it, with the error state that the program asks for."""
    method, errors, inputs, options = arguments
    with np.errstate(all=errors):
        return (getattr(ufunc, method) if method else ufunc)(*inputs, **options)


def _shapes(draw, how_many):
    """Return shapes that broadcast together, but now and then."""
    full = draw.shape(draw.choice((0, 1, 1, 1, 2, 2, 3, 4)))
    if len(full) == 1 and draw.chance(0.5):
        full = (draw.size(),)
    shapes = []
    for _ in range(how_many):
        shape = [1 if draw.chance(0.15) else length for length in full]
        if draw.chance(0.15):
            shape = shape[draw.random.randint(0, len(shape)) :]
        if shape and draw.chance(0.02):
            shape[-1] += 1
        shapes.append(tuple(shape))
    return full, shapes


def _result(signature):
    return dtypes(signature.split("(")[0])[0]


def _dtype(draw, signatures):
    if draw.chance(0.6):
        return _result(draw.choice(signatures))
    return draw.choice(DTYPES)


def _any_call(how_many, signatures, draw):
    full, shapes = _shapes(draw, how_many)
    dtype = _dtype(draw, signatures)
    inputs = [
        draw.array(dtype if draw.chance(0.8) else draw.choice(DTYPES), shape, ALL)
        for shape in shapes
    ]
    if draw.chance(0.1):
        inputs[0] = draw.choice((3, -2.5, True, [1, 2, 3], np.float32(2), "text", None, 2**70))
    options = {}
    if draw.chance(0.3):
        inputs = [with_room(x) if isinstance(x, np.ndarray) else x for x in inputs]
        options["out"] = _out(draw, full, inputs, signatures)
    if draw.chance(0.1):
        options["dtype"] = draw.choice(DTYPES)
    if draw.chance(0.15):
        options["casting"] = draw.choice(CASTINGS)
    if draw.chance(0.05):
        options["order"] = draw.choice("CFAK")
    if draw.chance(0.04):
        options["where"] = draw.array("bool", full)
    method = ""
    if draw.chance(0.05):
        method, options = "at", {}
        inputs[1:1] = [draw.values("int64", draw.size()) % 5]
    elif how_many == 2 and draw.chance(0.05):
        method = "outer"
        options.pop("where", None)
        options.pop("out", None)
    return call, (method, "ignore", inputs, options)


def _call_that_raises(draw):
    """NumPy looks at the floating-point errors of the calling thread."""
    size = draw.size()
    x, y = draw.array("float64", size), draw.array("float64", size)
    return call, ("", "raise", [x, y], {})


def _may_be_out(x, shape):
    return isinstance(x, np.ndarray) and x.shape == shape and x.flags.c_contiguous


def _out(draw, shape, inputs, signatures):
    """Return where to write: new, one of the inputs, or what overlaps one.

    Not into a reversed input: NumPy copies that input, and Numba's code then writes beyond it.
    """
    if draw.chance(0.05):
        shape = (*shape, 2)
    dtype = _result(signatures[0]) if draw.chance(0.7) else draw.choice(DTYPES)
    layouts = [name for name in ALL if not name.startswith("one") or draw.chance(0.02)]
    out = with_room(draw.array(dtype, shape, layouts))
    arrays = [x for x in inputs if _may_be_out(x, shape)]
    if arrays and draw.chance(0.4):
        out = draw.choice(arrays)
        if draw.chance(0.5) and out.ndim:
            out = out[::-1]
    elif out.ndim == 1 and draw.chance(0.3) and isinstance(inputs[0], np.ndarray):
        room = with_room(draw.values(dtype, out.size + 3))
        inputs[0], out = room[: out.size], room[3:] if draw.chance(0.5) else room[3:][::-1]
    return out


@_ufunc("int64(int64)", "float64(float64)")
def negative(x):
    return -x


@_ufunc("float32(float32)", "float64(float64)")
def root(x):
    return np.sqrt(x) + 1 / (x * x + 3)


@_ufunc("int64(int64, int64)", "float32(float32, float32)", "float64(float64, float64)")
def plus(x, y):
    return x + y


@_ufunc("float64(int32, int32)", "float64(float64, float64)")
def quotient(x, y):
    return x / y


@_ufunc("float64(float64, float64)", draw=_call_that_raises)
def quotient_with_errors(x, y):
    return x / y


@_ufunc("int64(int64, int64)")
def floor_quotient(x, y):
    return x // y


@_ufunc("boolean(int64, int64)", "boolean(float64, float64)")
def is_less(x, y):
    return x < y


@_ufunc("complex128(complex128, complex128)")
def times(x, y):
    return x * y


@_ufunc("uint8(uint8, uint8)", "int32(int32, int32)")
def small(x, y):
    return x * y + 1


@_ufunc("float64(float64, float64, float64)")
def fused(x, y, z):
    return x * y + z


@_ufunc("float64(float64, float64, int64, boolean)")
def chosen(x, y, n, mask):
    return x if mask else y * n


def _call_into_zeros(draw):
    """What an element would be that has raised is not written."""
    size = draw.size()
    return call, ("", "ignore", [draw.array("int64", size)], {"out": np.zeros(size, np.int64)})


@_ufunc("int64(int64)", draw=_call_into_zeros)
def raising(x):
    if x == 7:
        raise ValueError("seven")
    return x + 1


@_ufunc("float32(float32)", "float64(float64)", fastmath=True)
def root_fast(x):
    return np.sqrt(x * x + 1) * 3


@_ufunc("float64(float64, float64)", fastmath=True)
def plus_fast(x, y):
    return x * y + y


def _large(draw):
    x = draw.values("float32", draw.choice((1_000_003, 200_001, 65_537)))
    return call, ("", "ignore", [np.abs(x)], {})


# A vector of quotients has other bits than one quotient, so that it shows where a layer cuts.
@_ufunc("float32(float32)", draw=_large, times=50, fastmath=True)
def quotient_fast(x):
    return 1 / x


@_ufunc("float32(float32)", draw=_large, times=10)
def quotient_large(x):
    return (x + 1) / (x * x + 3)


# reduce, accumulate and reduceat of parallel ufuncs are wrong under Numba's own layers when several
# threads run them (numba/numba#1721), so that these are compared with NumPy.
def _reduction(identity, numpys):
    def register(function):
        return _ufunc(
            "int64(int64, int64)",
            draw=_draw_reduction,
            name=f"{function.__name__} reduced",
            chunks=False,
            times=5,
            expected=numpys,
            identity=identity,
        )(function)

    return register


def _draw_reduction(draw):
    method = draw.choice(("reduce", "reduce", "accumulate", "reduceat"))
    large = draw.chance(0.2)
    shape = (draw.choice((5_000, 20_000)),) if large else draw.shape(draw.choice((1, 1, 2, 3)))
    layouts = ("C", "Fortran", "every other", "backwards", "bytes in the other order", "one row")
    x = draw.array(draw.choice(("int64", "int64", "int32", "bool")), shape, layouts)
    axis = draw.random.randrange(len(shape))
    options = {"axis": axis}
    inputs = [x]
    if method == "reduceat":
        length = shape[axis]
        if not length:
            method = "accumulate"
        else:
            inputs.append([draw.random.randrange(length) for _ in range(draw.choice((1, 2, 5)))])
    if method == "reduce":
        if len(shape) == 1 and draw.chance(0.3):
            options["axis"] = None
        if draw.chance(0.3):
            options["keepdims"] = True
        if draw.chance(0.3):
            options["initial"] = 5
        if draw.chance(0.2):
            options["where"] = draw.values("bool", shape)
            options["initial"] = 2
    options["dtype"] = np.int64
    return call, (method, "ignore", inputs, options)


@_reduction(0, np.add)
def add_(x, y):
    return x + y


@_reduction(None, np.maximum)
def maximum(x, y):
    return max(x, y)


@_reduction(1, np.multiply)
def multiply(x, y):
    return x * y


@_reduction(0, np.bitwise_xor)
def bitwise_xor(x, y):
    return x ^ y
