"""``NUMBA_OMPSAFE_AS_OMP=1``: this layer for everybody who asks Numba for ``omp``.

Numba imports the layer ``omp`` as ``numba.np.ufunc.omppool``; with the variable set, that module is
this layer.
"""

from importlib.machinery import ModuleSpec
from types import ModuleType

from numba_ompsafe._layer.load import FUNCTIONS, load
from numba_ompsafe._process import layers


class _OmppoolLoader:
    """Makes a module with what Numba expects of ``omppool``.

    ``ImportError`` where there is no runtime: to Numba that means that the layer is not available.
    """

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        try:
            core = load()
        except ValueError as error:
            raise ImportError(str(error)) from error
        for name in (*FUNCTIONS, "launch_threads"):
            setattr(module, name, getattr(core, name))
        # The two words that Numba's omppool has for its vendor on Linux.
        module.openmp_vendor = (  # type: ignore[attr-defined]
            "GNU" if core.runtime_is_gnu() else "Intel"
        )


def omppool_spec(name: str) -> ModuleSpec | None:
    """Return the spec of the module, or None for Numba's own: also of a Numba that is not known."""
    return ModuleSpec(name, _OmppoolLoader()) if layers.serves_as_omp() else None  # type: ignore[arg-type]
