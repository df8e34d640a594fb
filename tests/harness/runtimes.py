"""The OpenMP runtimes that cases run on: what a process needs in its environment for each."""

from pathlib import Path

from harness.processes import SITE_PACKAGES

# pip installs Intel's beside the folder of the packages.
INTEL = [str(file) for path in SITE_PACKAGES if (file := Path(path, "../../libiomp5.so")).exists()]
RUNTIMES = {
    "GNU, torch's": {},
    "GNU, the system's": {"LD_PRELOAD": "libgomp.so.1"},
    "LLVM": {"LD_PRELOAD": "libomp.so.5"},
    "Intel": {"LD_PRELOAD": "".join(INTEL[:1])},
}
