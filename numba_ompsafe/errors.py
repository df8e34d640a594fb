"""What this package raises, besides ``TypeError`` and ``ValueError`` for bad arguments."""

# Not from typing: see __init__.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from numba_ompsafe._report.record import Conflict


class OpenMPRuntimeNotFoundError(ValueError):
    """No OpenMP runtime can be loaded into this process.

    A ``ValueError``, as Numba's own answer to a layer that cannot be loaded is.
    """


class LayerAlreadyLaunchedError(RuntimeError):
    """Another threading layer of Numba runs in this process, and Numba launches one per process."""


class ThreadConfigError(RuntimeError):
    """The thread settings of this process are in conflict with each other.

    Attributes:
        conflicts: what :func:`numba_ompsafe.check` found, the severe first.
    """

    def __init__(self, conflicts: "tuple[Conflict, ...]") -> None:
        super().__init__(
            "The thread settings of this process are in conflict:\n"
            + "\n".join(f"  - {conflict}" for conflict in conflicts)
        )
        self.conflicts = conflicts


class ThreadConfigWarning(UserWarning):
    """The thread settings of the process are in severe conflict, or a launch lacked threads."""
