"""What a report holds: plain data, typed, that turns into JSON and back into text.

None, in any field, says that it could not be told or that there is no such thing; an empty tuple
that there is none.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from numba_ompsafe._report import page

Severity = Literal["severe", "moderate"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

# What can be wrong. docs/troubleshooting.md has a section for each.
Code = Literal[
    "bound-to-one-core",
    "crowded-node",
    "dynamic-teams",
    "layer-changed",
    "layer-not-running",
    "mask-above-pool",
    "more-threads-than-cores",
    "numba-against-openmp",
    "omp-overwrites",
    "other-layer-launched",
    "pool-kept-at-forks",
    "runtimes-apart",
    "spinning-waits",
    "start-up-file",
    "thread-limit",
    "threads-missing",
    "torch-count-lost",
    "torch-without-openmp",
    "two-runtimes",
    "variable-not-understood",
]
CODES: tuple[Code, ...] = get_args(Code)


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of what takes part. None for a package that is not loaded in the process."""

    python: str | None
    numba_ompsafe: str | None
    numba: str | None
    torch: str | None


@dataclass(frozen=True, slots=True)
class Library:
    """An OpenMP runtime or a BLAS in the process."""

    path: str
    api: Literal["openmp", "blas"]
    name: str  # "GNU", "LLVM", "Intel"; "OpenBLAS", "MKL", ...
    version: str | None
    num_threads: int | None  # what it would use on the thread that asks for the report
    used_by: tuple[str, ...]  # paths of the loaded libraries whose calls of OpenMP go there
    in_use: bool | None  # False where all that depend on it call another one
    ends_pools: bool | None = None  # whether an OpenMP runtime has omp_pause_resource_all


@dataclass(frozen=True, slots=True)
class ICVs:
    """The ICVs of one OpenMP runtime, as the thread that asks for the report has them."""

    runtime: str  # its path
    nthreads_var: int
    dyn_var: bool
    dyn_var_setters: tuple[str, ...]  # where it is on: loaded libraries that call omp_set_dynamic
    nest_var: bool | None  # None from OpenMP 5.0 on, where max-active-levels-var says it
    max_active_levels_var: int
    thread_limit_var: int
    run_sched_var: str  # "static", "dynamic,4", ...
    bind_var: str  # "false", "true", "close", ...
    places: int  # how many places threads are bound to, 0 where they are not


@dataclass(frozen=True, slots=True)
class Runtime:
    """The OpenMP runtime that the layer ompsafe launches on."""

    path: str
    name: str
    version: str | None
    why: str  # why this one was chosen


@dataclass(frozen=True, slots=True)
class FirstLaunch:
    """What the first parallel call did to nthreads-var of the thread that made it."""

    nthreads_var_before: int
    nthreads_var_after: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """A launch of the layer ompsafe that the system did not give its threads."""

    asked: int
    had: int


@dataclass(frozen=True, slots=True)
class Layer:
    """Numba's threading layer."""

    requested: str | None  # numba.config.THREADING_LAYER, or the variable where Numba is not loaded
    priority: tuple[str, ...]  # numba.config.THREADING_LAYER_PRIORITY
    running: str | None  # None before the first parallel call
    expected: str | None  # the one that runs, else the first launch's; "ompsafe" if served as "omp"
    is_ompsafe: bool  # the one that runs; also where it is served as "omp"
    registered: bool | None  # whether Numba would know the layer ompsafe
    start_up_file: str | None  # the one that is installed
    start_up_file_ran: bool | None
    runtime: Runtime | None  # of ompsafe, once it has one
    first_launch: FirstLaunch | None  # of the layer omp
    shortage: Shortage | None = None  # of ompsafe, unless a launch has had as many since
    said: str | None = None  # by the variable or Numba's config file, where Numba is loaded
    broken: str | None = None  # why ompsafe, which is asked for, cannot be loaded
    cores: tuple[int, ...] | None = None  # that launches of ompsafe are spread over


@dataclass(frozen=True, slots=True)
class Counts:
    """How many threads Numba and torch would use on the thread that asks for the report."""

    numba: int | None
    numba_rule: str | None  # which rule says so, in words
    numba_mask: int | None  # numba.set_num_threads on this thread, under the layer ompsafe
    numba_limit: int | None  # numba.config.NUMBA_NUM_THREADS
    torch: int | None
    torch_runtime: str | None  # path of the OpenMP runtime that torch's regions run on
    torch_has_openmp: bool | None
    # What another thread has set, where it may become this thread's count, too; None if nothing.
    torch_to_come: int | None = None
    numba_default: int | None = None  # numba_ompsafe.set_default_num_threads


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores that the process may use."""

    online: int
    affinity: int  # in the affinity mask of the main thread, before an OpenMP runtime narrowed it
    quota: float | None  # the tightest cgroup quota, in cores
    quota_file: str | None  # the file that sets it
    bound_to: int | None = None  # in all places that an OpenMP runtime binds threads to
    first_place: int | None = None  # in the one where it has bound the main thread

    @property
    def usable(self) -> float:
        """How many threads can run at once, on average."""
        limits = (self.affinity, self.quota, self.bound_to)
        return min(float(limit) for limit in limits if limit is not None)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another process of the same user on the same cores that has an OpenMP runtime loaded."""

    pid: int
    command: str
    num_threads: int  # that its variables and its affinity mask let it use


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that cannot do what was asked for, or that other settings work against."""

    code: Code
    severity: Severity  # severe: several times slower, hangs, dies, or ignores what was asked for
    found: str
    effect: str
    remedy: str  # something to type

    def is_at_least(self, severity: Severity) -> bool:
        """Whether it is as severe as that, or more."""
        return SEVERITIES.index(self.severity) <= SEVERITIES.index(severity)

    def __str__(self) -> str:
        return f"{self.code}: {self.found}; {self.effect}. Remedy: {self.remedy}"


@dataclass(frozen=True, slots=True)
class Report:
    """The thread settings of a process, as :func:`numba_ompsafe.report` found them."""

    pid: int
    versions: Versions
    layer: Layer
    libraries: tuple[Library, ...]
    icvs: tuple[ICVs, ...]
    counts: Counts
    environment: dict[str, str]  # the variables that matter and are set
    cores: Cores
    threads: int  # of the system's that the process has, whoever started them
    forks: str | None  # what becomes of OpenMP's pools at a fork, in words
    neighbours: tuple[Neighbour, ...]
    conflicts: tuple[Conflict, ...]
    # Of another process than the one that asks: what its program says in code is not known.
    from_outside: bool = False

    def __str__(self) -> str:
        """Return the page that ``numba-ompsafe report`` prints."""
        return page.text(self)

    def to_json(self) -> str:
        """Return all of it as a JSON object whose keys are the names of the fields."""
        return json.dumps(asdict(self), indent=2)
