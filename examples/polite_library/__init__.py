"""A library with a parallel Numba function, which brings the threading layer ompsafe politely.

README.md tells what that means.
"""

from polite_library._threading import prefer_ompsafe

prefer_ompsafe()

# After that: Numba starts a layer where a parallel gufunc is compiled, which may be at an import.
from polite_library.smoothing import smooth  # noqa: E402

__all__ = ["smooth"]
