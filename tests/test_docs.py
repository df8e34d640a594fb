"""What the documentation links to is there, and all that is public is told."""

import re
from pathlib import Path

import pytest
from harness.commands import command
from harness.processes import ROOT

import numba_ompsafe

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("*/README.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
HOME = "https://github.com/numba-ompsafe/numba-ompsafe/"


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub, and MyST, give to a page's headings."""
    headings = re.findall(r"^#+ (.+)", without_code(page.read_text()), flags=re.M)
    plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the files that a page links to, and the anchors in them."""
    found = []
    text = without_code(page.read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)|^\[\w+\]: (\S+)$", text, flags=re.M):
        link = "".join(link)
        if link.startswith(HOME):
            place, folder = re.sub(r"(blob|tree)/main/", "", link[len(HOME) :]), ROOT
        elif link.startswith("http"):
            continue
        else:
            place, folder = link, page.parent
        file, _, anchor = place.partition("#")
        found.append(((folder / file).resolve() if file else page, anchor))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for file, anchor in links(page):
        assert file.exists()
        assert not anchor or anchor in anchors(file), f"{file.name}#{anchor}"


def test_the_first_page_names_every_other() -> None:
    index = ROOT / "docs" / "index.md"
    named = {file for file, _ in links(index)}
    assert set((ROOT / "docs").glob("*.md")) - {index} <= named


def test_the_api_has_every_public_name() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    told = re.findall(r"<!-- auto\w+:: numba_ompsafe\.(\w+) -->", text)
    assert sorted(told) == sorted(numba_ompsafe.__all__)


def test_the_page_on_reports_has_every_option_of_the_command() -> None:
    text = (ROOT / "docs" / "reports.md").read_text()
    for name in ("report", "check"):
        shown = command(name, "--help").stdout
        assert set(re.findall(r"--[a-z]+", shown)) - {"--help"} <= set(re.findall(r"--\w+", text))
