"""Room: what Python calls: the start of the interpreter, imports of Numba and torch, forks.

It registers the layer as soon as Numba is imported, without importing Numba, and puts together what
the rooms below do not know of each other: the layer, and who warns at a launch. It may import all
of them; no room below imports it.

This module runs at every start of the interpreter (``numba_ompsafe.pth``, ``numba_ompsafe.start``),
so it imports nothing that is not loaded already.
"""

import os
import sys

import numba_ompsafe

# Not from typing, whose import costs more than all the rest of this package's start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from numba_ompsafe._layer.warnings import Warnings

_PARALLEL = "numba.np.ufunc.parallel"
_OMPPOOL = "numba.np.ufunc.omppool"


class _ThenRegister:
    """A loader that loads as the one found for the module does, and then registers the layer."""

    def __init__(self, loader: "Any") -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> "Any":
        return getattr(self._loader, name)

    def create_module(self, spec: "Any") -> "ModuleType | None":
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: "ModuleType") -> None:
        spec = module.__spec__
        assert spec is not None
        spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        register_layer_in(module)


class Origin:
    """How this process came to be: see ``_layer/forks.py`` for what follows from it."""

    def __init__(self, had_threads: bool, had_torch: bool) -> None:
        # Of this process. Another one than os.getpid() after a fork that Python did not make.
        self.pid = os.getpid()
        # Whether a process that it was forked from had other threads at the fork, and so may have
        # had a pool. False in one that was not forked, True where that is not known.
        self.had_threads = had_threads
        # Whether torch had been imported then, or that is not known.
        self.had_torch = had_torch

    def may_have_had_a_pool(self) -> bool:
        """Whether the thread that this process was forked from, if it was, may have had one."""
        return self.had_threads or self.pid != os.getpid()

    def torch_is_newer(self) -> bool:
        """Whether torch, if it is there, was imported after that fork."""
        return not self.had_torch and self.pid == os.getpid()


class NumbaFinder:
    """Finds two modules of Numba's; everything else is left to the finders after it.

    It also sees torch come, whose pools are in the way of a fork before the first launch. And it
    holds what is known of the process's start, for whoever asks (``_process/start.py``).
    """

    def __init__(self) -> None:
        # Whether a start-up file has run in this process, or in one that it was forked from.
        self.ran_at_start = False
        self.origin = Origin(had_threads=True, had_torch=True)

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """Mirror ``importlib.abc.MetaPathFinder.find_spec``."""
        if name == _PARALLEL:
            spec = self._spec_of_others(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _ThenRegister(spec.loader)
            return spec
        if name == _OMPPOOL:
            from numba_ompsafe._layer.served_as_omp import omppool_spec

            return omppool_spec(name)
        if name == "torch" and _may_be_asked_for():
            load_extension()
        return None

    def _spec_of_others(self, name: str, path: "Any", target: "Any") -> "Any":
        for finder in sys.meta_path:
            find_spec = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec = find_spec(name, path, target)
            if spec is not None:
                return spec
        return None


_finder = NumbaFinder()
_has_threads = True


def register_finder(at_start: bool = True) -> None:
    """Put the finder on ``sys.meta_path``, once.

    Some virtual environments process a start-up file twice, since their ``lib64`` is their ``lib``.

    Args:
        at_start: the interpreter has just started, so that this process was not forked.
    """
    if numba_ompsafe.unsupported:
        return
    _finder.ran_at_start = _finder.ran_at_start or at_start
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
        if at_start:
            _finder.origin = Origin(had_threads=False, had_torch=False)


def register() -> None:
    """Register the layer with the Numba of this process, importing it if need be.

    Numba's extension entry point, for installations whose start-up files are not read (a folder on
    ``PYTHONPATH``, ``python -S``). Registering twice is registering once.
    """
    if numba_ompsafe.unsupported:
        return
    from numba.np.ufunc import parallel

    register_finder(at_start=False)
    register_layer_in(parallel)


def register_layer_in(parallel: "Any") -> None:
    """Register the layer in ``numba.np.ufunc.parallel``, once."""
    from numba_ompsafe._layer import hook, known_numba, warnings

    warnings.load = _load_warnings
    if refusal := known_numba.refusal(parallel):
        from numba_ompsafe._report import warning

        warning.warn_of_unknown_numba(refusal)
    elif hook.register_in(parallel):
        load_early()


def _load_warnings() -> "Warnings":
    from numba_ompsafe._layer.warnings import Warnings
    from numba_ompsafe._report import warning

    return Warnings(warning.warn_of_severe_conflicts, warning.warn_of_missing_threads)


def load_early() -> None:
    """Load what forks need, and what threads call, if this process is going to launch here.

    A child that is forked while another thread imports a module can never import it.
    """
    from numba_ompsafe._process import layers

    try:
        if layers.may_launch():
            # With the extension, which both of them use.
            from numba_ompsafe._control import counts, threads  # noqa: F401
    except (ImportError, ValueError):
        return  # the extension does not load, or a variable holds nonsense: the launch says so


def load_extension() -> None:
    """Load what forks need while a library is being imported anyway.

    At a fork it is too late: another thread may have the dynamic linker's lock, and want the GIL.
    """
    try:
        import numba_ompsafe._core  # noqa: F401
    except ImportError:
        return  # the launch says so


def _before_fork() -> None:
    global _has_threads
    _has_threads = True
    try:
        # Two links of a folder's own, and one for each thread.
        alone = os.stat("/proc/self/task").st_nlink == 3
        _has_threads = not alone or _finder.origin.may_have_had_a_pool()
        # Nobody else has a pool that this package answers for.
        if sys.modules.get("numba") or (sys.modules.get("torch") and _may_be_asked_for()):
            from numba_ompsafe._layer import forks

            forks.before_fork()
    except Exception:
        # A hook that raises prints. There is no /proc; or a variable holds nonsense, as the launch
        # will say; or the interpreter is shutting down, and modules are gone.
        return


def _may_be_asked_for() -> bool:
    environment = os.environ
    layers = (
        environment.get("NUMBA_THREADING_LAYER", ""),
        environment.get("NUMBA_THREADING_LAYER_PRIORITY", ""),
    )
    return "ompsafe" in " ".join(layers).lower() or "NUMBA_OMPSAFE_AS_OMP" in environment


def _after_fork_in_parent() -> None:
    core: Any = sys.modules.get("numba_ompsafe._core")
    if core is not None:
        core.after_fork_in_parent()


def _after_fork_in_child() -> None:
    _finder.origin = Origin(had_threads=_has_threads, had_torch="torch" in sys.modules)


# Once, however many threads register the layer.
if not numba_ompsafe.unsupported:
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
