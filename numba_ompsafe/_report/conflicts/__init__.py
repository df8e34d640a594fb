"""What a report finds wrong. Each rule looks at the record alone, so that a record can test it."""

from collections.abc import Callable, Iterator

from numba_ompsafe._report.conflicts import (
    binding,
    cores,
    layers,
    lost,
    node,
    overwrites,
    runtimes,
    supply,
    variables,
    waits,
)
from numba_ompsafe._report.record import Conflict, Report

Rule = Callable[[Report], Iterator[Conflict]]

_RULES: tuple[Rule, ...] = (
    binding.bound_to_one_core,
    cores.more_threads_than_cores,
    cores.thread_limit,
    layers.default_not_obeyed,
    layers.layer_changed,
    layers.layer_not_running,
    layers.other_layer_launched,
    layers.start_up_file,
    lost.torch_count_lost,
    node.crowded_node,
    overwrites.mask_above_pool,
    overwrites.omp_overwrites,
    runtimes.dynamic_teams,
    runtimes.pool_kept_at_forks,
    runtimes.runtimes_apart,
    runtimes.torch_without_openmp,
    runtimes.two_runtimes,
    supply.threads_missing,
    variables.numba_against_openmp,
    variables.variable_not_understood,
    waits.spinning_waits,
)


def find(report: Report) -> tuple[Conflict, ...]:
    """Return what the rules find in ``report``, the severe first."""
    found = [conflict for rule in _RULES for conflict in rule(report)]
    return tuple(sorted(found, key=lambda conflict: conflict.severity != "severe"))
