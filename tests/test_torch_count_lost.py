"""P2 and P8: a helper thread's torch.set_num_threads does not take the main thread's count.

torch sets the count of a thread at its first parallel operation there, to what the last
torch.set_num_threads of any thread said. DataLoader(pin_memory=True) calls it on a thread of its
own, and means that thread.
"""

import itertools

import pytest
from harness.processes import run_python

pytestmark = pytest.mark.needs_torch

PRELUDE = """
import json
import kernels, numba, openmp, thread_settings
from counting import here_and_torchs as counts
from lost_counts import helper, loader, lost, operation, pin_memory
from python_threads import on_new_thread
"""


def result_of(code: str, env: dict[str, str] | None = None, layer: str = "ompsafe") -> object:
    return run_python(PRELUDE + code, env, layer=layer)


EVENTS = {
    "import": "import torch",
    "set": "torch.set_num_threads({count})",
    "launch": "kernels.launch()",
}
# Once torch has been set, and before its first operation on the main thread.
ORDERS = [
    order
    for order in itertools.permutations((*EVENTS, "helper"))
    if order.index("import") < order.index("set") < order.index("helper")
]


@pytest.mark.parametrize("env", [{}, {"OMP_NUM_THREADS": "3"}], ids=["", "OMP_NUM_THREADS"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_p2_the_main_thread_keeps_its_count_in_every_order(
    order: tuple[str, ...], count: int, env: dict[str, str]
) -> None:
    code = "\n".join(EVENTS.get(event, "helper()").format(count=count) for event in order)
    # Where the only launch was before torch was there, the layer has not seen it yet.
    unseen = order.index("launch") < order.index("import")
    named, then = result_of(
        f"""
{code}
named = len(lost())
{"kernels.launch()" if unseen else ""}
operation()
print(json.dumps([named, counts()]))
""",
        env,
    )
    assert then == [count] * 3
    assert named == int(unseen)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("helper", ["pin_memory", "loader"])
@pytest.mark.parametrize("first", ["launch", "helper"])
def test_p2_the_main_thread_keeps_its_count_beside_a_data_loader(
    first: str, helper: str, count: int
) -> None:
    events = ["kernels.launch()", f"{helper}()"]
    code = "; ".join(events if first == "launch" else reversed(events))
    assert result_of(
        f"""
import torch
torch.set_num_threads({count})
{code}
operation()
print(json.dumps([counts(), on_new_thread(counts)]))
"""
    ) == [[count] * 3, [1, 1, 1]]  # a new thread has what torch gives it


@pytest.mark.parametrize("mask", ["", "numba.set_num_threads(2)"])
def test_p2_torchs_default_on_the_main_thread_is_kept(mask: str) -> None:
    code = f"""
import torch
{mask}
default = on_new_thread(torch.get_num_threads)
kernels.launch()
helper()
operation()
print(json.dumps([torch.get_num_threads() == default, lost()]))
"""
    assert result_of(code, {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "3"}) == [True, []]


def test_p2_torchs_matrix_products_keep_their_count_too() -> None:
    before, after = result_of(
        """
import torch
torch.set_num_threads(3)
before = thread_settings.mkl_count()
helper()
kernels.launch()
operation()
print(json.dumps([before, thread_settings.mkl_count()]))
"""
    )
    assert before == after


def test_p2_a_limit_of_the_moment_is_not_kept_for_good() -> None:
    assert result_of(
        """
import torch
from threadpoolctl import threadpool_limits
torch.set_num_threads(3)
helper()
with threadpool_limits(2, user_api="openmp"):
    limited = counts()
operation()
print(json.dumps([limited, counts()]))
"""
    ) == [[2, 2, 2], [3, 3, 3]]


@pytest.mark.parametrize("setting", ["", "torch.set_num_threads(3)", "runtime.set_num_threads(3)"])
@pytest.mark.parametrize("helper", ["", "helper()"])
def test_p1_a_launch_that_settles_torchs_count_changes_no_icv(setting: str, helper: str) -> None:
    before, after = result_of(
        f"""
import torch
runtime = openmp.the_one()
{setting}
{helper}
before = runtime.icvs(), thread_settings.mkl_count()
kernels.launch()
print(json.dumps([before, (runtime.icvs(), thread_settings.mkl_count())]))
"""
    )
    assert before == after


def test_p2_what_was_said_on_another_thread_alone_is_torchs_to_apply() -> None:
    # Nothing was said on the main thread: whether the other one meant it, too, is not known.
    assert result_of(
        """
import torch
before = openmp.the_one().get_max_threads()
helper()
first = kernels.launch()
named = len(lost())
operation()
print(json.dumps([first == before, named, counts(), len(lost())]))
"""
    ) == [True, 1, [1, 1, 1], 0]


@pytest.mark.parametrize("layer", ["ompsafe", "workqueue"])
@pytest.mark.parametrize("count", [None, 2, 3])
def test_p8_a_count_that_will_be_lost_is_named_and_the_remedy_keeps_it(
    count: int | None, layer: str
) -> None:
    code = f"""
import torch
{"" if count is None else f"torch.set_num_threads({count})"}
kept = openmp.the_one().get_max_threads()
pin_memory()
(conflict,) = lost()
assert lost() == [conflict]  # to ask changes nothing
exec(conflict.remedy.partition(" on the main thread")[0])
after = len(lost())
pin_memory()
operation()
print(json.dumps([kept, torch.get_num_threads(), after]))
"""
    kept, now, after = result_of(code, layer=layer)
    assert kept == now == (count or kept)
    assert after == 0


def test_p8_to_report_a_count_that_will_be_lost_does_not_keep_it() -> None:
    code = """
import torch
torch.set_num_threads(3)
helper()
asked = [len(lost()), len(lost())]
operation()
print(json.dumps([asked, torch.get_num_threads()]))
"""
    assert result_of(code) == [[1, 1], 1]


@pytest.mark.parametrize(
    "code",
    [
        "import torch; torch.set_num_threads(1)",
        "import torch; torch.set_num_threads(1); operation()",
        "import torch; operation(); kernels.launch(); helper()",
        "import torch; torch.set_num_threads(3); operation(); helper(); kernels.launch()",
        "import torch; torch.set_num_threads(3); operation(); kernels.launch(); pin_memory()",
        "import torch; kernels.launch(); helper(); torch.set_num_threads(1)",
        "import torch; helper(); torch.set_num_threads(3)",
        "import torch; openmp.the_one().set_num_threads(3)",
    ],
)
def test_p8_a_count_that_will_not_be_lost_is_no_conflict(code: str) -> None:
    assert result_of(f"{code}\nprint(json.dumps(len(lost())))") == 0


def test_p8_a_worker_process_of_one_thread_has_lost_nothing() -> None:
    code = """
import torch
from torch.utils.data import DataLoader, Dataset

class Named(Dataset):
    def __len__(self):
        return 2
    def __getitem__(self, index):
        return [len(lost()), torch.get_num_threads(), kernels.launch()]

torch.set_num_threads(3)
kernels.launch()
loader = DataLoader(Named(), num_workers=1, batch_size=None)
print(json.dumps([list(loader), counts()]))
"""
    assert result_of(code) == [[[0, 1, 1]] * 2, [3, 3, 3]]


def test_p1_where_another_thread_imported_torch_its_default_is_what_the_launch_has() -> None:
    # The one case in which settling sets an ICV: what torch's next operation would have set.
    alone = "import json, torch; print(json.dumps(torch.get_num_threads()))"
    code = """
def import_torch():
    import torch
on_new_thread(import_torch)
first = kernels.launch()
helper()
operation()
print(json.dumps([first, *counts()]))
"""
    env = {"OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "2"}
    assert result_of(code, env) == [run_python(alone, env)] * 4
