"""The rooms of the extension: every file is in one, and includes none from a room above it."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

from harness.processes import ROOT

CSRC = ROOT / "csrc"
ROOMS = re.findall(r"^\| `(\w+)` \|", (CSRC / "README.md").read_text(), re.MULTILINE)
FILES = [file.relative_to(CSRC) for file in CSRC.rglob("*") if file.suffix in (".h", ".cpp")]


def included_by(file: Path) -> list[Path]:
    return [Path(name) for name in re.findall(r'#include "(.+)"', (CSRC / file).read_text())]


def test_every_file_is_in_a_room() -> None:
    assert {file.parent.as_posix() for file in FILES} == set(ROOMS)


def test_no_file_includes_one_from_a_room_above_it() -> None:
    depth = {Path(room): number for number, room in enumerate(ROOMS)}
    upwards = [
        f"{file} includes {other}"
        for file in FILES
        for other in included_by(file)
        if depth[other.parent] < depth[file.parent]
    ]
    assert not upwards


def test_no_files_include_each_other() -> None:
    headers = {file: included_by(file) for file in FILES if file.suffix == ".h"}
    TopologicalSorter(headers).prepare()  # raises CycleError, which names them
    # A concept is a header with its source: they may not need each other in a circle, either.
    concepts: dict[Path, set[Path]] = {}
    for file in FILES:
        concept = file.with_suffix("")
        others = {other.with_suffix("") for other in included_by(file)}
        concepts.setdefault(concept, set()).update(others - {concept})
    TopologicalSorter(concepts).prepare()
