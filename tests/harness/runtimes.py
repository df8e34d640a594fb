"""The OpenMP runtimes that cases run on: what a process needs in its environment for each."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

# Where pip installs Intel's, and TBB.
INTEL = Path(sys.prefix, "lib", "libiomp5.so")
TBB = Path(sys.prefix, "lib", "libtbb.so.12")

GNU = {"LD_PRELOAD": "libgomp.so.1"}
LLVM = {"LD_PRELOAD": "libomp.so.5"}
RUNTIMES = {
    "GNU, torch's": {},
    "GNU, the system's": GNU,
    "LLVM": LLVM,
    "Intel": {"LD_PRELOAD": str(INTEL)},  # where it is missing, the dynamic linker says so
}


def on_each(cases: Mapping[str, tuple[dict[str, str], str]]) -> pytest.MarkDecorator:
    """Give a test ``env`` and ``before``, the code to begin with, of each case."""
    parameters = [
        pytest.param(env, before, id=name, marks=[pytest.mark.needs_torch] * ("torch" in before))
        for name, (env, before) in cases.items()
    ]
    return pytest.mark.parametrize(("env", "before"), parameters)


_ALONE_AND_BESIDE_TORCH = {name: (env, "") for name, env in RUNTIMES.items()} | {
    f"torch's pool has {pool}": ({}, f"import torch\ntorch.set_num_threads({pool})")
    for pool in (2, 8)
}
every_runtime = on_each(_ALONE_AND_BESIDE_TORCH)
# The threads that help are the layer's own, whatever the runtime: two are enough for most cases.
some_runtimes = on_each(
    {name: _ALONE_AND_BESIDE_TORCH[name] for name in ("GNU, torch's", "torch's pool has 2")}
)
