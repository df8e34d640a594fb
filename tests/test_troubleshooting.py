"""docs/troubleshooting.md has a section for every code, and no other."""

import re

import pytest
from harness.processes import ROOT

from numba_ompsafe._report.record import CODES

TEXT = (ROOT / "docs" / "troubleshooting.md").read_text()
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", TEXT, flags=re.M | re.S))


def test_p8_every_code_has_a_section_and_every_section_a_code() -> None:
    assert list(SECTIONS) == sorted(SECTIONS)
    assert list(SECTIONS) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_p8_a_section_tells_what_is_seen_and_cause_effect_and_cure(code: str) -> None:
    assert SECTIONS[code].startswith("\n*")
    parts = re.findall(r"^\*\*(\w+)\.\*\* \S", SECTIONS[code], flags=re.M)
    assert parts == ["Cause", "Effect", "Cure"]
