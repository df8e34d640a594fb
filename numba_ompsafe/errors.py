"""What this package raises, besides ``TypeError`` and ``ValueError`` for bad arguments."""

# Not from typing: see __init__.py.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from numba_ompsafe._report.record import Conflict

_LONGEST = 80


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


def shown(value: object) -> str:
    """Return the value as a message shows it: not all of a long one, and whatever it is."""
    try:
        text = repr(value)
    except Exception:  # a repr of somebody else's; or a number with more digits than Python prints
        return f"an object of the type {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
