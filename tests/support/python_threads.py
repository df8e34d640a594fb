"""Calls functions on threads of Python's."""

from concurrent.futures import ThreadPoolExecutor

_second = ThreadPoolExecutor(1)


def here(function):
    """Return function() of this thread, as on_new_thread does of another."""
    return function()


def on_new_thread(function):
    """Return function() of a new thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()


def on_second_thread(function, *arguments):
    """Return function(*arguments) of a thread that is always the same, and not this one."""
    return _second.submit(function, *arguments).result()
