"""``--pid``: what can be seen of a process from outside, without its noticing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from harness.cgroups import Group
from harness.commands import command
from harness.cores import CORES, needs_two_cores
from harness.processes import START_UP_FILE, SUPPORT, clean_environment, run_python
from harness.runtimes import INTEL

LAUNCH = "import kernels; kernels.launch()\n"


@contextmanager
def running(code: str, cwd: Path | None = None, **env: str) -> Iterator[int]:
    """Run Python code, then wait for the length of a ``with``, which gets the process's number."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()"],
        env=clean_environment(**env),
        cwd=cwd or SUPPORT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()


def report_of(code: str, **env: str) -> Any:
    """Return what the command says of a process that has run the code, and is as it was after."""
    with running(code, **env) as pid:
        before = sorted(os.listdir(f"/proc/{pid}/task"))
        result = command("report", "--json", "--pid", str(pid))
        assert result.returncode == 0, result.stderr
        answer = json.loads(result.stdout)
        assert answer["pid"] == pid
        assert answer["threads"] == len(before)
        assert sorted(os.listdir(f"/proc/{pid}/task")) == before
        return answer


def runtimes(report: Any) -> dict[str, bool | None]:
    """Return the names of the OpenMP runtimes' files, and whether they are in use."""
    return {
        os.path.basename(library["path"]): library["in_use"]
        for library in report["libraries"]
        if library["api"] == "openmp"
    }


def codes(report: Any) -> list[str]:
    return [conflict["code"] for conflict in report["conflicts"]]


def test_a_process_that_does_nothing() -> None:
    report = report_of("")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert report["versions"]["python"] == python
    assert report["versions"]["numba"] is report["versions"]["torch"] is None
    assert (report["layer"]["running"], report["layer"]["requested"]) == (None, "default")
    assert report["layer"]["priority"] == ["tbb", "omp", "workqueue"]
    assert report["cores"]["affinity"] == len(CORES)
    assert (report["threads"], report["conflicts"], report["libraries"]) == (1, [], [])


@pytest.mark.parametrize("layer", ["ompsafe", "omp", "workqueue"])
def test_numbas_layer_is_told_by_what_is_loaded(layer: str) -> None:
    report = report_of(LAUNCH, NUMBA_THREADING_LAYER=layer)
    assert report["layer"]["requested"] == layer
    assert report["layer"]["running"] == layer
    assert report["layer"]["is_ompsafe"] == (layer == "ompsafe")
    assert report["layer"]["start_up_file"].endswith(f"/{START_UP_FILE}")
    assert report["versions"]["numba"] == version("numba")
    assert report["versions"]["numba_ompsafe"] == version("numba-ompsafe")
    assert codes(report) == []


def test_the_layer_that_is_served_as_omp_is_told() -> None:
    layer = report_of(LAUNCH, NUMBA_OMPSAFE_AS_OMP="1")["layer"]
    assert (layer["running"], layer["is_ompsafe"]) == ("omp", True)


@pytest.mark.parametrize(
    ("code", "running"),
    [
        # A report, or numba_ompsafe.threads, loads ompsafe and launches nothing.
        ("import numba, sklearn.ensemble; from numba_ompsafe import _core", None),
        ("import numba; numba.config.THREADING_LAYER = 'workqueue'\n" + LAUNCH, "workqueue"),
    ],
)
def test_p8_what_code_may_have_said_of_the_layer_is_no_conflict(
    code: str, running: str | None
) -> None:
    report = report_of(code, NUMBA_THREADING_LAYER="TBB")
    assert (report["layer"]["requested"], report["layer"]["running"]) == ("tbb", running)
    assert codes(report) == []


@pytest.mark.needs_torch
def test_torch_and_its_variables() -> None:
    code = LAUNCH + "import torch; torch.ones(1_000_000).sum()"
    report = report_of(code, NUMBA_THREADING_LAYER="ompsafe", OMP_NUM_THREADS="1")
    assert report["versions"]["torch"] == version("torch")
    assert report["environment"]["OMP_NUM_THREADS"] == "1"
    assert (report["counts"]["numba"], report["counts"]["torch"]) == (1, 1)
    assert report["counts"]["numba_rule"] == "OMP_NUM_THREADS"
    assert runtimes(report) == {"libgomp.so.1": True}
    assert report["counts"]["torch_runtime"].endswith("/torch/lib/libgomp.so.1")
    assert codes(report) == []


@pytest.mark.needs_torch
def test_the_library_that_uses_a_runtime_is_named() -> None:
    report = report_of("import torch")
    (users,) = (one["used_by"] for one in report["libraries"] if one["api"] == "openmp")
    assert any(user.endswith("/torch/lib/libtorch_cpu.so") for user in users)


@pytest.mark.needs_torch
@pytest.mark.parametrize("first", ["torch", "numba"])
def test_p8_numbas_omp_overwrites_torch_in_whichever_order(first: str) -> None:
    lines = ["import torch\n", LAUNCH]
    code = "".join(lines if first == "torch" else reversed(lines))
    env = {"NUMBA_THREADING_LAYER": "omp", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    report = report_of(code, **env)
    assert codes(report) == ["omp-overwrites"]
    assert [in_use for in_use in runtimes(report).values() if in_use] == [True]


@pytest.mark.needs_torch
def test_p8_a_runtime_that_torchs_may_stand_in_for_is_no_conflict() -> None:
    # Its users call torch's if they were loaded after it, which is not seen from outside.
    env = {"NUMBA_THREADING_LAYER": "ompsafe"}
    report = report_of("import torch, sklearn.ensemble", **env)
    in_use = runtimes(report)
    assert in_use.pop("libgomp.so.1") is True
    assert list(in_use.values()) == [None]
    assert codes(report) == []


def test_p8_two_runtimes_are_a_conflict() -> None:
    code = f"import sklearn.ensemble, ctypes; ctypes.CDLL({str(INTEL)!r})"
    report = report_of(code)
    assert len(runtimes(report)) == 2
    assert codes(report) == ["two-runtimes"]


def test_p8_more_threads_than_cores_by_variables_and_affinity() -> None:
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n" + LAUNCH
    report = report_of(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2")
    assert report["cores"]["affinity"] == 1
    assert codes(report) == ["more-threads-than-cores"]


@needs_two_cores
def test_p8_more_threads_than_the_limit_by_variables() -> None:
    env = {"NUMBA_THREADING_LAYER": "ompsafe", "NUMBA_NUM_THREADS": "2"}
    report = report_of(LAUNCH, OMP_THREAD_LIMIT="1", **env)
    assert codes(report) == ["thread-limit"]


@needs_two_cores
def test_p8_more_threads_than_a_quota_where_no_variable_says_how_many(
    make_group: Callable[..., Group],
) -> None:
    group = make_group()
    group.set_quota(1)
    report = report_of(group.enter + LAUNCH, NUMBA_THREADING_LAYER="ompsafe")
    assert report["counts"]["numba"] == len(CORES)
    assert codes(report) == ["more-threads-than-cores"]


@needs_two_cores
def test_p8_a_main_thread_that_openmp_has_bound() -> None:
    report = report_of(LAUNCH, NUMBA_THREADING_LAYER="ompsafe", OMP_PROC_BIND="true")
    assert report["cores"]["affinity"] == len(CORES)
    assert report["cores"]["first_place"] == 1
    assert codes(report) == ["bound-to-one-core"]


@needs_two_cores
def test_p8_a_main_thread_that_the_program_has_bound_is_no_conflict() -> None:
    code = LAUNCH + f"import os; os.sched_setaffinity(0, [{CORES[0]}])"
    assert codes(report_of(code, NUMBA_THREADING_LAYER="ompsafe")) == []


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(LAUNCH + "import torch", marks=pytest.mark.needs_torch),
        "import sklearn.ensemble",
    ],
)
def test_p8_workers_without_variables_use_all_cores_each(code: str) -> None:
    env = {"NUMBA_THREADING_LAYER": "ompsafe"}
    with running(code, **env):
        report = report_of(code, **env)
    assert codes(report) == ["crowded-node"]
    (conflict,) = report["conflicts"]
    assert f"2 processes of one launcher use {2 * len(CORES)} threads" in conflict["found"]


def test_p8_a_wait_policy_that_spins() -> None:
    report = report_of("import sklearn.ensemble", OMP_WAIT_POLICY="active")
    assert codes(report) == ["spinning-waits"]


def test_the_page_says_that_it_was_seen_from_outside() -> None:
    with running("") as pid:
        page = command("report", "--pid", str(pid)).stdout
        assert page.startswith(f"Thread settings of process {pid}\nSeen from outside.")
        checked = command("check", "--pid", str(pid))
        assert (checked.returncode, checked.stdout) == (
            0,
            "No conflicts that can be seen from outside\n",
        )


def test_check_looks_at_another_process() -> None:
    with running("import sklearn.ensemble", OMP_WAIT_POLICY="active") as pid:
        checked = command("check", "--pid", str(pid))
        assert checked.returncode == 1
        assert "spinning-waits" in checked.stdout
        ignored = command("check", "--pid", str(pid), "--ignore", "spinning-waits")
        assert ignored.returncode == 0


def refusal(pid: int) -> str:
    """Return the one line with which the command refuses to tell of a process."""
    result = command("report", "--pid", str(pid))
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("numba-ompsafe report: ")
    assert str(pid) in line
    return line


def test_p8_a_process_that_is_not_there() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert "there is no process" in refusal(ended.pid)
    assert "there is no process" in refusal(10**9)


def test_p8_a_process_that_has_ended_and_is_not_waited_for() -> None:
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as zombie:
        assert zombie.stdout is not None
        zombie.stdout.read()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert "has no program" in refusal(zombie.pid)


def test_p8_a_process_that_runs_no_python() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeps:
        try:
            assert "runs no Python, but /" in refusal(sleeps.pid)
        finally:
            sleeps.kill()


# Root gives its rights away; everybody else has none over the first process.
AS_NOBODY = "os.getuid() or os.setuid(65534)"
AS_ROOT_OF_A_CONTAINER = """
libc = ctypes.CDLL(None, use_errno=True)
version = (ctypes.c_uint32 * 2)(0x20080522, 0)
assert libc.capset(version, (ctypes.c_uint32 * 6)()) == 0, ctypes.get_errno()
"""


@pytest.mark.parametrize(
    ("give_rights_away", "way"),
    [
        (AS_NOBODY, "run this command as its user, or as root (sudo)"),
        pytest.param(
            AS_ROOT_OF_A_CONTAINER,
            "root has not the right to here: run this command on the host, or in a container with "
            "CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE)",
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only for root"),
        ),
    ],
)
def test_p8_a_process_that_may_not_be_looked_at(give_rights_away: str, way: str) -> None:
    code = f"""
    import contextlib, ctypes, io, json, os
    from numba_ompsafe._command import main
    from numba_ompsafe._report import elsewhere, here, page  # while they can be read
    exec({give_rights_away!r})
    words = io.StringIO()
    with contextlib.redirect_stderr(words), contextlib.suppress(SystemExit):
        main(["report", "--pid", "1"])
    print(json.dumps(words.getvalue()))
    """
    line = run_python(code)
    assert line == f"numba-ompsafe report: process 1 may not be looked at; {way}\n"
