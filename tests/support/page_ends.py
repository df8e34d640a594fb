"""Arrays that end where memory ends: to read behind them ends the process."""

import ctypes
import mmap

import numpy as np

_PROT_NONE = 0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def at_page_end(values):
    """Return a copy of the array, behind which there is a page that nobody may read."""
    values = np.asarray(values)
    pages = -(-values.nbytes // mmap.PAGESIZE)
    memory = mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE)
    end = pages * mmap.PAGESIZE
    copy = np.frombuffer(memory, values.dtype, values.size, end - values.nbytes)
    copy[:] = values.ravel()
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert _libc.mprotect(address + end, mmap.PAGESIZE, _PROT_NONE) == 0
    return copy.reshape(values.shape)


class _PyUFuncObject(ctypes.Structure):
    """The beginning of NumPy's, which is part of its ABI."""

    _fields_ = (
        ("refcount", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
    )


def call_loop(ufunc, arguments, dimensions, steps, behind=()):
    """Call the compiled loop of a ufunc with one signature, as NumPy does.

    All that it is handed ends where memory ends. ``behind`` are dimensions that follow its own.
    """
    loop = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
    inside = _PyUFuncObject.from_address(id(ufunc))
    handed = [
        at_page_end(np.array(values, np.intp))
        for values in (
            [argument.ctypes.data for argument in arguments],
            [*dimensions, *behind],
            steps,
        )
    ]
    loop(inside.functions[0])(*(array.ctypes.data for array in handed), inside.data[0])
