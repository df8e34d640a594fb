"""The page that a report becomes: it fits a terminal, and nothing to type is shortened."""

import sys
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

import numba_ompsafe
from numba_ompsafe._report import page
from numba_ompsafe._report.record import CODES, Conflict, Library, Neighbour, Report

REPORT = numba_ompsafe.report()
PACKAGES = "/home/somebody/a project/.venv/lib/python3.11/site-packages/"

words = st.lists(st.text("abc/-_=.,:'", min_size=1, max_size=60), min_size=1).map(" ".join)
conflicts = st.builds(
    Conflict,
    code=st.sampled_from(CODES),
    severity=st.sampled_from(["severe", "moderate"]),
    found=words,
    effect=words,
    remedy=words,
)


def with_conflicts(*found: Conflict) -> Report:
    return replace(REPORT, conflicts=found)


@given(st.lists(conflicts, max_size=3))
def test_p8_the_page_fits_a_terminal_and_leaves_no_word_out(found: list[Conflict]) -> None:
    text = page.text(with_conflicts(*found))
    assert max(map(len, text.splitlines())) <= 100
    for conflict in found:
        for part in (conflict.found, conflict.effect, conflict.remedy):
            assert part in " ".join(text.split())


def test_p8_a_report_is_printed_as_its_page() -> None:
    assert str(REPORT) == page.text(REPORT)


def test_paths_are_told_from_their_packages_folder() -> None:
    library = Library(
        path=f"{PACKAGES}torch/lib/libgomp.so.1",
        api="openmp",
        name="GNU",
        version=None,
        num_threads=1,
        used_by=(*(f"{PACKAGES}sklearn/{i}.so" for i in range(4)), f"{PACKAGES}torch/a.so"),
        in_use=True,
    )
    text = page.text(replace(REPORT, libraries=(library,)))
    assert "  torch/lib/libgomp.so.1 (GNU, 1 thread)\n" in text
    assert "used by sklearn (4 libraries), torch/a.so\n" in text
    unused = replace(library, in_use=False, path="/usr/lib/libgomp.so.1")
    text = page.text(replace(REPORT, libraries=(unused,)))
    assert "  /usr/lib/libgomp.so.1 (GNU, 1 thread)\n" in text
    assert "not in use" in text


def test_p8_what_is_to_be_typed_is_not_shortened() -> None:
    path = f"{sys.prefix}/lib/python3/site-packages/torch/lib/libgomp.so.1"
    conflict = Conflict("two-runtimes", "severe", f"in {path}:", f"it ({path})", f"LD={path} x")
    text = page.text(with_conflicts(conflict))
    assert "in torch/lib/libgomp.so.1:" in text
    assert "it (torch/lib/libgomp.so.1)" in text
    assert f"LD={path} x" in " ".join(text.split())


def test_control_characters_of_variables_and_commands_do_not_reach_the_terminal() -> None:
    neighbour = Neighbour(pid=77, command="python \x1b[31m", num_threads=1)
    report = replace(REPORT, environment={"OMP_X": "a\n\x07b"}, neighbours=(neighbour,))
    text = page.text(report)
    assert r"OMP_X=a\n\x07b" in text
    assert r"python \x1b[31m" in text


def test_only_severities_are_painted() -> None:
    conflict = Conflict("two-runtimes", "severe", "moderate", "severe", "severe")
    text = page.text(with_conflicts(conflict), paint=str.upper)
    assert text == page.text(with_conflicts(conflict)).replace("  severe  two", "  SEVERE  two")


def test_sections_without_content_are_left_out() -> None:
    bare = replace(
        REPORT, libraries=(), icvs=(), environment={}, forks=None, neighbours=(), conflicts=()
    )
    text = page.text(bare)
    for title in ("Libraries", "ICVs", "Environment", "Forks", "Other processes", "Conflicts:"):
        assert f"\n{title}" not in text
    assert text.endswith("\n\nNo conflicts")
    beside = replace(bare, neighbours=(Neighbour(pid=77, command="python a.py", num_threads=1),))
    assert "\nOther processes on these cores\n  77" in page.text(beside)
