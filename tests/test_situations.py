"""The situations on the documentation's first page: each program does here what the page says.

Those that take gunicorn or umap-learn are left to readers.
"""

import sys

import pytest
from harness.commands import execute
from harness.processes import ROOT

TOLD = {
    "torch_count.py": "torch 1, Numba 1\n",
    "data_loader.py": "80 of 80 items\n",
    "process_pool.py": "8 of 8 tasks\n",
    "python_threads.py": "80 of 80 calls\n",
    "nested.py": " ms\n",
    "in_turns.py": " us a pair\n",
}


@pytest.mark.needs_torch
@pytest.mark.parametrize("file", TOLD)
def test_a_situation_ends_as_the_first_page_says(file: str) -> None:
    program = str(ROOT / "examples" / "situations" / file)
    result = execute((sys.executable, program), {"NUMBA_THREADING_LAYER": "ompsafe"})
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(TOLD[file])
