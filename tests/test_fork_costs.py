"""P6: a fork costs nothing, and says nothing, where nothing is to be done."""

import pytest
from harness.forking import run, run_again_and_again


@pytest.mark.needs_torch
def test_p6_processes_that_are_not_forked_from_python_leave_the_pools_alone() -> None:
    before = """
import subprocess
both_run()
pool = tasks()
"""
    case = """
subprocess.run([sys.executable, "-S", "-c", ""], check=True)
os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
assert pool <= tasks()
numba_runs()
torch_runs()
assert pool <= tasks()
"""
    run_again_and_again(case, before=before)


@pytest.mark.needs_torch
def test_p6_a_process_that_runs_neither_numba_nor_torch_pays_nothing() -> None:
    code = """
in_child(lambda: None)
modules = [name for name in sys.modules if name.startswith("numba")]
assert modules == ["numba_ompsafe", "numba_ompsafe._startup"], modules
"""
    run(code)


@pytest.mark.needs_torch
def test_p6_a_process_that_never_launched_gets_no_thread_and_no_runtime() -> None:
    code = """
import numba, openmp
threads, runtimes = tasks(), openmp.runtimes()
assert in_child(lambda: [len(tasks()), openmp.runtimes()]) == [1, runtimes]
assert tasks() == threads and openmp.runtimes() == runtimes
"""
    run(code)


@pytest.mark.parametrize("layer", ["ompsafe", "workqueue"])
def test_p6_a_fork_as_the_interpreter_shuts_down_prints_nothing(layer: str) -> None:
    # Python refuses it from 3.12 on.
    code = """
import numba
class ForksAtTheEnd:
    def __init__(self):
        self.fork, self.wait, self.exit = os.fork, os.waitpid, os._exit
        self.refused = RuntimeError
    def __del__(self):
        try:
            pid = self.fork()
        except self.refused:
            return
        if pid == 0:
            self.exit(0)
        self.wait(pid, 0)
sys.modules["builtins"].at_the_end = ForksAtTheEnd()
late = ForksAtTheEnd()
"""
    run(code, layer=layer)
