"""Makes a site of the pages in this folder, which read as well where Markdown is shown alone.

Sphinx, since autodoc takes the API from the docstrings; its search runs in the browser.
"""

import re
from pathlib import Path

import numba_ompsafe

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/numba-ompsafe/numba-ompsafe"

project = "numba-ompsafe"
author = "the authors of numba-ompsafe"
copyright = author
version = release = numba_ompsafe.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4  # with the names that GitHub gives them
add_module_names = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"numba-ompsafe {version}"
html_show_sourcelink = False
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}

# A page that is this one line is, on the site, the file that it links to.
_WHOLE = re.compile(r"\[[^]]*\]\(\.\./([A-Z]+\.md)\)\s*")
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]*)(#[^)\s]*)?\)")
_ISSUE = re.compile(r"(?<![\w/\[`])([\w-]+/[\w.-]+)#(\d+)")
_AUTODOC = re.compile(r"<!-- (auto\w+:: [\w.]+) -->")
_GROUP = re.compile(r"^## (.+)\n\n((?:- \[.+\n(?:  .+\n)*)+)", re.MULTILINE)


def _for_the_site(text: str) -> str:
    """Return a page with what GitHub shows otherwise: files of the repository, issues, the API."""
    folder = ROOT / "docs"
    if whole := _WHOLE.fullmatch(text):
        folder = ROOT
        text = (ROOT / whole[1]).read_text()

    def link(match: re.Match[str]) -> str:
        file, anchor = match[1], match[2] or ""
        target = (folder / file).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return f"]({target.relative_to(ROOT / 'docs')}{anchor})"
        kind = "tree" if target.is_dir() else "blob"
        return f"]({REPOSITORY}/{kind}/main/{target.relative_to(ROOT)}{anchor})"

    text = _LINK.sub(link, text)
    text = _ISSUE.sub(r"[\g<0>](https://github.com/\1/issues/\2)", text)
    return _AUTODOC.sub(r"```{eval-rst}\n.. \1\n```", text)


def _contents(index: str) -> str:
    """Return the site's contents: the lists of pages under the headings of the first one."""
    trees = []
    for heading, pages in _GROUP.findall(index):
        names = "\n".join(re.findall(r"^- \[.+?\]\(([\w-]+)\.md\)", pages, re.MULTILINE))
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{names}\n```\n")
    return "\n".join(trees)


def setup(app: object) -> None:
    """Have each page rewritten as it is read."""

    def read(app: object, name: str, source: list[str]) -> None:
        source[0] = _for_the_site(source[0])
        if name == "index":
            source[0] += "\n" + _contents(source[0])

    app.connect("source-read", read)  # type: ignore[attr-defined]
