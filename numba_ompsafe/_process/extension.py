"""The extension, which may not load: it was not built, or was built for another machine."""

REMEDY = "pip install --force-reinstall numba-ompsafe"


def missing() -> str | None:
    """Return why it does not load; None where it does."""
    try:
        import numba_ompsafe._core  # noqa: F401
    except ImportError as error:
        return f"the extension module of numba-ompsafe does not load ({error})"
    return None
