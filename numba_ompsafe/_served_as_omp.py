"""``NUMBA_OMPSAFE_AS_OMP=1``: this layer for everybody who asks Numba for ``omp``.

Numba imports the layer ``omp`` as ``numba.np.ufunc.omppool``; with the variable set, that module is
this layer.
"""

import os
from importlib.machinery import ModuleSpec
from types import ModuleType

from numba_ompsafe import _layer

_VARIABLE = "NUMBA_OMPSAFE_AS_OMP"
_VALUES = {"": False, "0": False, "1": True}


def requested() -> bool:
    """Whether the environment asks for it. ``ValueError`` for a value that means nothing."""
    value = os.environ.get(_VARIABLE, "")
    if value not in _VALUES:
        raise ValueError(
            f"{_VARIABLE}={value!r} is not understood: set it to 1 to serve numba-ompsafe to "
            "whoever asks for Numba's threading layer omp, to 0 or not at all for Numba's own"
        )
    return _VALUES[value]


class _OmppoolLoader:
    """Makes a module with what Numba expects of ``omppool``.

    ``ImportError`` where there is no runtime: to Numba that means that the layer is not available.
    """

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        try:
            core = _layer.load()
        except ValueError as error:
            raise ImportError(str(error)) from error
        for name in (*_layer.FUNCTIONS, "launch_threads"):
            setattr(module, name, getattr(core, name))
        # The two words that Numba's omppool has for its vendor on Linux.
        module.openmp_vendor = (  # type: ignore[attr-defined]
            "GNU" if core.runtime_is_gnu() else "Intel"
        )


def omppool_spec(name: str) -> ModuleSpec | None:
    """Return the spec of the module, or None for Numba's own."""
    return ModuleSpec(name, _OmppoolLoader()) if requested() else None  # type: ignore[arg-type]
