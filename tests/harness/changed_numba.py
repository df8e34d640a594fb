"""Makes a Numba of which one file is another one: all else are links to the one installed."""

from importlib.util import find_spec
from pathlib import Path

PARALLEL = Path("np", "ufunc", "parallel.py")


def make(folder: Path, old: str, new: str) -> None:
    """Put a Numba into a folder in which ``old`` is ``new`` wherever layers are launched."""
    spec = find_spec("numba")
    assert spec is not None
    assert spec.origin is not None
    there, here = Path(spec.origin).parent, folder / "numba"
    (here / PARALLEL).parent.mkdir(parents=True)
    for parent in PARALLEL.parents:
        for entry in (there / parent).iterdir():
            link = here / parent / entry.name
            if entry.name not in ("__pycache__", PARALLEL.name) and not link.exists():
                link.symlink_to(entry)
    source = (there / PARALLEL).read_text()
    assert old in source, old
    (here / PARALLEL).write_text(source.replace(old, new))
