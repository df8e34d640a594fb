"""P8: what no function can do with its arguments is an error that names it, and what is allowed."""

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest
from harness.processes import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

import numba_ompsafe
from numba_ompsafe._report.record import CODES

SHORT = 400

COUNTS = """
import json, sys
from bad_counts import RaisesIndex, integers, no_integers, of_numpy
from hypothesis import HealthCheck, given, settings
import numba, numba_ompsafe
import numba_ompsafe._core as core

LIMIT = numba.config.NUMBA_NUM_THREADS
FUNCTIONS = [numba_ompsafe.threads, numba_ompsafe.set_default_num_threads]
quick = settings(
    max_examples=150, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)

def refused(function, n, kind):
    before = core.process_default(), core.mask(), core.limit()
    try:
        function(n)
    except kind as error:
        text = str(error)
    else:
        raise AssertionError((function, type(n), "taken"))
    assert before == (core.process_default(), core.mask(), core.limit())
    assert text.startswith(f"{function.__name__}: n "), text
    assert len(text) < 400, text
    return text

@quick
@given(integers | of_numpy)
def counts(n):
    for function in FUNCTIONS:
        if 1 <= n <= LIMIT:
            function(n)
            assert core.process_default() == n or function is numba_ompsafe.threads
        else:
            text = refused(function, n, ValueError)
            assert f"between 1 and numba.config.NUMBA_NUM_THREADS, which is {LIMIT}" in text
            assert -10**60 > n or n > 10**60 or str(int(n)) in text
    numba_ompsafe.set_default_num_threads(None)

@quick
@given(no_integers)
def no_counts(n):
    for function in FUNCTIONS:
        if n is None and function is not numba_ompsafe.threads:
            continue
        text = refused(function, n, TypeError)
        assert "must be an integer" in text and ", not " in text, text

counts()
no_counts()
for function in FUNCTIONS:
    try:
        function(RaisesIndex())
    except LookupError:
        pass
# What a program has put there is not taken for a limit either.
numba.config.NUMBA_NUM_THREADS = "many"
numba_ompsafe.threads(3)
for n in (0, 2**31, 2**64):
    assert "at most 4194304" in refused(numba_ompsafe.threads, n, ValueError)
print(json.dumps(True))
"""


def test_p8_a_bad_number_of_threads_is_an_error_that_names_it() -> None:
    assert run_python(COUNTS, {"NUMBA_NUM_THREADS": "64"}) is True


def test_p8_a_limit_of_threadpoolctls_beyond_what_c_holds_is_no_other_limit() -> None:
    code = """
    import json, kernels, numba, threadpoolctl
    kernels.launch()
    with threadpoolctl.threadpool_limits({"numba": 2**32 + 1}):
        print(json.dumps(numba.get_num_threads()))
    """
    assert run_python(code, {"NUMBA_NUM_THREADS": "5"}) == 5


codes = st.sampled_from(CODES) | st.text(max_size=30)
nothing_to_ignore = st.one_of(
    st.text(), st.integers(), st.none(), st.floats(), st.booleans(), st.just(len)
)


@settings(deadline=None)
@given(nothing_to_ignore)
def test_p8_what_check_is_to_ignore_is_a_collection(ignore: Any) -> None:
    with pytest.raises(
        TypeError, match=r"check: ignore must be a collection of codes, as"
    ) as error:
        numba_ompsafe.check(ignore=ignore)
    assert len(str(error.value)) < SHORT


@settings(deadline=None)
@given(st.lists(st.one_of(codes, st.integers(), st.lists(st.none())), max_size=4), st.booleans())
def test_p8_what_check_is_to_ignore_is_codes(ignore: list[Any], once: bool) -> None:
    unknown = [one for one in ignore if one not in CODES]
    if not unknown:
        return
    # What can be gone through once alone is no reason to ignore nothing.
    given_so = iter(ignore) if once else ignore
    with pytest.raises(ValueError, match="which is no code of a conflict") as error:
        numba_ompsafe.check(ignore=given_so)  # type: ignore[arg-type]
    assert all(repr(one)[:80] in str(error.value) for one in unknown)
    assert CODES[0] in str(error.value)


@settings(deadline=None)
@given(st.text() | st.none() | st.integers() | st.lists(st.none(), max_size=2))
def test_p8_a_severity_is_one_of_two(severity: Any) -> None:
    with pytest.raises(ValueError, match="must be one of: severe, moderate"):
        numba_ompsafe.check(severity=severity)


def test_p8_a_check_for_what_is_severe_lets_the_rest_pass() -> None:
    code = """
    import json, numba_ompsafe
    numba_ompsafe.check(severity="severe")
    try:
        numba_ompsafe.check()
    except numba_ompsafe.ThreadConfigError as error:
        print(json.dumps([[one.code, one.severity] for one in error.conflicts]))
    """
    assert run_python(code, {"OMP_NUM_THREADS": "many"}, layer=None) == [
        ["variable-not-understood", "moderate"]
    ]


def _a_generator() -> Any:
    yield 1


async def _a_coroutine() -> None: ...


async def _an_asynchronous_generator() -> Any:
    yield 1


class _Asynchronous:
    async def __call__(self) -> None: ...

    def method(self) -> Any:
        yield 1


@pytest.mark.parametrize(
    "function",
    [
        _a_generator,
        _a_coroutine,
        _an_asynchronous_generator,
        _Asynchronous(),
        _Asynchronous().method,
        functools.partial(_a_generator),
    ],
)
def test_p8_a_function_whose_body_runs_later_cannot_be_decorated(
    function: Callable[..., Any],
) -> None:
    with pytest.raises(
        TypeError, match=r"threads cannot decorate .* runs after the block"
    ) as error:
        numba_ompsafe.threads(1)(function)
    assert "with numba_ompsafe.threads(1)" in str(error.value)


@pytest.mark.parametrize("function", [None, 2, "work", _Asynchronous])
def test_p8_what_is_no_function_cannot_be_decorated(function: Any) -> None:
    with pytest.raises(TypeError, match=r"threads decorates functions, and .* is none"):
        numba_ompsafe.threads(1)(function)


def test_p8_a_decorator_without_its_number_says_so() -> None:
    with pytest.raises(TypeError, match=re.escape("threads: n must be an integer, not <function")):
        numba_ompsafe.threads(_a_generator)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", numba_ompsafe.__all__)
def test_p8_arguments_that_nobody_knows_are_a_type_error(function: str) -> None:
    if isinstance(getattr(numba_ompsafe, function), type) and function != "threads":
        return  # an exception of Python's kind
    with pytest.raises(TypeError):
        getattr(numba_ompsafe, function)(1, 2, 3)


def test_what_the_package_offers_is_what_is_public() -> None:
    offered = [name for name in dir(numba_ompsafe) if not name.startswith("_")]
    assert sorted(offered) == sorted(numba_ompsafe.__all__)
