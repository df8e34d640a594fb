"""P8: what works against the cores is reported, with its cause and its remedy, and nothing else is.

Each situation is a real one, in a process of its own; the report's conflicts are exactly those
that the test names.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.cgroups import Group
from harness.cores import CORES, needs_two_cores
from harness.processes import run_python
from harness.runtimes import LLVM

FIRST = CORES[0]
# The situations are made of two cores, whatever the machine has.
TWO = f"import os; os.sched_setaffinity(0, {CORES[:2]})\n"
pytestmark = needs_two_cores

REPORT = """
import json, numba_ompsafe
print(json.dumps([
    [conflict.code, conflict.severity, conflict.found, conflict.remedy]
    for conflict in numba_ompsafe.report().conflicts
]))
"""
NUMBA = "import numba, kernels; kernels.launch()\n"
TORCH = NUMBA + "import torch; torch.ones(1_000_000).sum()\n"


def conflicts(
    code: str, env: dict[str, str] | None = None, layer: str | None = "ompsafe"
) -> list[list[str]]:
    """Return code, severity, finding and remedy of the conflicts that a process reports."""
    found: list[list[str]] = run_python(TWO + code + REPORT, env, layer=layer)
    return found


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"},
        {"OMP_NUM_THREADS": "1"},
        {"OMP_THREAD_LIMIT": "2"},
        {"OMP_WAIT_POLICY": "passive"},
        {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "1000"},
        {"KMP_BLOCKTIME": "infinite", "KMP_AFFINITY": "compact"},  # GNU's does not read these
        {"OMP_PROC_BIND": "false", "OMP_PLACES": f"{{{FIRST}}}"},
        {"OMP_PROC_BIND": "true", "OMP_PLACES": f"{{{CORES[0]},{CORES[1]}}}"},
    ],
    ids=str,
)
@pytest.mark.parametrize("code", [NUMBA, pytest.param(TORCH, marks=pytest.mark.needs_torch)])
def test_p8_settings_that_work_together_are_no_conflict(code: str, env: dict[str, str]) -> None:
    assert conflicts(code, env) == []


@pytest.mark.needs_torch
@pytest.mark.parametrize(("count", "severity"), [(3, "moderate"), (4, "severe")])
def test_p8_more_threads_than_the_affinity_mask_has_cores(count: int, severity: str) -> None:
    ((code, found_severity, found, remedy),) = conflicts(
        TORCH + f"torch.set_num_threads({count})\n"
    )
    assert (code, found_severity) == ("more-threads-than-cores", severity)
    assert f"torch is {count}" in found
    assert "2 of" in found
    assert remedy.startswith("export OMP_NUM_THREADS=2 before")
    assert "torch.set_num_threads(2)" in remedy


def test_p8_more_threads_of_numba_than_cores() -> None:
    ((code, severity, found, remedy),) = conflicts(NUMBA, {"NUMBA_NUM_THREADS": "4"})
    assert (code, severity) == ("more-threads-than-cores", "severe")
    assert "Numba is 4" in found
    assert "export OMP_NUM_THREADS=2 NUMBA_NUM_THREADS=2" in remedy


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_p8_more_threads_than_cores_under_numbas_own_layers(layer: str) -> None:
    ((code, _, _, remedy),) = conflicts(NUMBA, {"NUMBA_NUM_THREADS": "4"}, layer)
    assert code == "more-threads-than-cores"
    assert "NUMBA_NUM_THREADS=2" in remedy


@pytest.mark.parametrize("code", [NUMBA, pytest.param(TORCH, marks=pytest.mark.needs_torch)])
def test_p8_more_threads_than_a_cgroup_quota_allows(
    code: str, make_group: Callable[..., Group]
) -> None:
    group = make_group()
    group.set_quota(1)
    ((name, severity, found, remedy),) = conflicts(group.enter + code)
    assert (name, severity) == ("more-threads-than-cores", "severe")
    assert f"quota is 1 cores ({group.quota_file})" in found
    assert "OMP_NUM_THREADS=1" in remedy
    group.set_quota(1.5)
    assert conflicts(group.enter + code) == []


def test_p8_more_threads_than_thread_limit_var() -> None:
    ((code, severity, found, remedy),) = conflicts(NUMBA, {"OMP_THREAD_LIMIT": "1"})
    assert (code, severity) == ("thread-limit", "severe")
    assert "Numba asks for 2 of 1" in found
    assert "unset OMP_THREAD_LIMIT" in remedy


@pytest.mark.needs_torch
def test_p8_a_thread_limit_is_taken_for_what_runs() -> None:
    # Four threads are asked for, on two cores; two run.
    code = TORCH + "torch.set_num_threads(4)\n"
    assert [name for name, *_ in conflicts(code, {"OMP_THREAD_LIMIT": "2"})] == ["thread-limit"]


@pytest.mark.parametrize(
    "env",
    [
        {"GOMP_CPU_AFFINITY": str(FIRST)},
        {"OMP_PROC_BIND": "true", "OMP_PLACES": f"{{{FIRST}}}"},
        LLVM | {"KMP_AFFINITY": f"granularity=fine,proclist=[{FIRST}],explicit"},
    ],
    ids=str,
)
def test_p8_all_threads_bound_to_one_core(env: dict[str, str]) -> None:
    code = "import numba; numba.config.NUMBA_NUM_THREADS = 2; import kernels; kernels.launch()\n"
    ((name, severity, found, remedy),) = conflicts(code, env)
    assert (name, severity) == ("bound-to-one-core", "severe")
    assert "binds all its threads to 1 of 2 cores" in found
    variables = sorted(set(env) - set(LLVM))
    assert all(f"{variable}={env[variable]}" in found for variable in variables)
    assert remedy == f"unset {' '.join(variables)}"


LOAD_FIRST = "import ctypes; ctypes.CDLL('libgomp.so.1')\n"


@pytest.mark.parametrize(
    ("code", "env", "severity"),
    [
        (NUMBA, {}, "moderate"),
        # Numba counts the cores of the mask when it is imported.
        (LOAD_FIRST + NUMBA, {}, "severe"),
        (LOAD_FIRST + NUMBA, {"NUMBA_NUM_THREADS": "1"}, "moderate"),
    ],
)
def test_p8_the_main_thread_bound_to_one_core(
    code: str, env: dict[str, str], severity: str
) -> None:
    ((name, found_severity, found, remedy),) = conflicts(code, env | {"OMP_PROC_BIND": "true"})
    assert (name, found_severity) == ("bound-to-one-core", severity)
    assert "the main thread to 1 of 2 cores (OMP_PROC_BIND=true)" in found
    assert remedy.startswith("unset OMP_PROC_BIND, or os.sched_setaffinity")
    assert remedy.endswith(" and export NUMBA_NUM_THREADS=2") == (severity == "severe")


def test_p8_a_main_thread_that_has_its_cores_back_is_not_bound() -> None:
    env = {"OMP_PROC_BIND": "true", "NUMBA_NUM_THREADS": "2"}
    assert conflicts(LOAD_FIRST + NUMBA + TWO, env) == []


@pytest.mark.parametrize(
    ("env", "cause"),
    [
        ({"OMP_WAIT_POLICY": "active"}, "OMP_WAIT_POLICY"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "OMP_WAIT_POLICY"),
        ({"GOMP_SPINCOUNT": "infinite"}, "GOMP_SPINCOUNT"),
        ({"GOMP_SPINCOUNT": "30G", "OMP_WAIT_POLICY": "passive"}, "GOMP_SPINCOUNT"),
        (LLVM | {"OMP_WAIT_POLICY": "active"}, "OMP_WAIT_POLICY"),
        (LLVM | {"KMP_BLOCKTIME": "infinite"}, "KMP_BLOCKTIME"),
        (LLVM | {"KMP_BLOCKTIME": "60000"}, "KMP_BLOCKTIME"),
    ],
    ids=str,
)
def test_p8_threads_that_spin_while_they_wait(env: dict[str, str], cause: str) -> None:
    ((name, severity, found, remedy),) = conflicts(NUMBA, env)
    assert (name, severity) == ("spinning-waits", "moderate")
    assert found.startswith(f"{cause}={env[cause]}:")
    assert remedy == f"unset {cause}"


@pytest.mark.parametrize("code", [NUMBA, pytest.param(TORCH, marks=pytest.mark.needs_torch)])
def test_p8_numbas_and_openmps_variables_at_odds(code: str) -> None:
    env = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}
    ((name, severity, found, remedy),) = conflicts(code, env)
    assert (name, severity) == ("numba-against-openmp", "moderate")
    assert found == "NUMBA_NUM_THREADS=1 and OMP_NUM_THREADS=2"
    assert "unset NUMBA_NUM_THREADS" in remedy
    assert "export NUMBA_NUM_THREADS=2" in remedy


@pytest.mark.needs_torch
def test_p8_variables_at_odds_are_no_conflict_of_their_own_where_omp_overwrites() -> None:
    env = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}
    found = conflicts("import torch; torch.ones(1_000_000).sum()\n" + NUMBA, env, "omp")
    assert "omp-overwrites" in [code for code, *_ in found]
    assert "numba-against-openmp" not in [code for code, *_ in found]


# Starts n workers that run Numba and torch, and prints what each one reports.
LAUNCHER = """
import json, subprocess, sys
worker = '''
import json, sys
import kernels, workers
{code}
import numba_ompsafe
def look():
    return [
        [conflict.code, conflict.severity, conflict.found, conflict.remedy]
        for conflict in numba_ompsafe.report().conflicts
    ]
print(json.dumps(workers.see(sys.argv[1], int(sys.argv[2]), runtime=False, look=look)))
'''
command = [sys.executable, "-c", worker, {folder!r}, "{n}"]
processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range({n})]
print(json.dumps([json.loads(process.communicate()[0]) for process in processes]))
"""


def of_workers(
    n: int, code: str, folder: Path, env: dict[str, str] | None = None
) -> tuple[list[int], list[list[list[str]]]]:
    """Return the pids of n workers beside each other, and the conflicts that each reports."""
    launcher = TWO + LAUNCHER.format(code=code, folder=str(folder), n=n)
    answers = run_python(launcher, env)
    return [pid for pid, _ in answers], [found for _, found in answers]


def test_p8_workers_whose_counts_add_up_to_more_than_the_cores(tmp_path: Path) -> None:
    pids, reports = of_workers(2, "kernels.launch()", tmp_path)
    for own, ((name, severity, found, remedy),) in zip(pids, reports, strict=True):
        assert (name, severity) == ("crowded-node", "severe")
        assert "2 processes of one launcher use 4 threads on 2 cores" in found
        assert all(str(pid) in found for pid in pids if pid != own)
        assert remedy.startswith("export OMP_NUM_THREADS=1 before")


def test_p8_workers_that_share_the_cores_are_no_conflict(tmp_path: Path) -> None:
    assert of_workers(2, "kernels.launch()", tmp_path, {"OMP_NUM_THREADS": "1"})[1] == [[], []]


def test_p8_workers_whose_main_threads_are_bound_to_the_same_core(tmp_path: Path) -> None:
    env = {"OMP_NUM_THREADS": "1", "OMP_PROC_BIND": "true"}
    for ((name, severity, found, _),) in of_workers(2, "kernels.launch()", tmp_path, env)[1]:
        assert (name, severity) == ("bound-to-one-core", "severe")
        assert "as it is in 1 of the workers beside this one" in found


@pytest.mark.needs_torch
def test_p8_workers_that_share_the_cores_by_code_are_no_conflict(tmp_path: Path) -> None:
    # As in the workers of a DataLoader.
    code = "import torch; torch.set_num_threads(1); kernels.launch()"
    assert of_workers(2, code, tmp_path)[1] == [[], []]


def test_p8_single_threads_on_too_few_cores_are_no_severe_conflict(tmp_path: Path) -> None:
    _, reports = of_workers(5, "kernels.launch()", tmp_path, {"OMP_NUM_THREADS": "1"})
    assert [[conflict[:2] for conflict in report] for report in reports] == [
        [["crowded-node", "moderate"]]
    ] * 5
