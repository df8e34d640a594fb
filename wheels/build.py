"""Builds what is published, into a folder: the sdist, and out of it a wheel for each architecture.

Zig compiles for an older glibc than this machine's, and for the other architecture: its package on
PyPI has all that this takes. What the first wheel needs of Zig's own takes minutes to build, once.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]
# The oldest platform with a name whose glibc ends the variables of a thread as pool_end.cpp has it
# (2.18 and newer do).
GLIBC = (2, 24)
ARCHITECTURES = ("x86_64", "aarch64")
FILES_AT_THE_TOP = {"numba_ompsafe.pth", "numba_ompsafe.start"}


def run(*command: str | Path, **environment: str) -> None:
    """Run a module of this Python's."""
    print("+", *command, flush=True)
    subprocess.run([sys.executable, "-m", *command], check=True, env=os.environ | environment)


def build_wheel(sdist: Path, architecture: str, folder: Path) -> Path:
    """Build the wheel for that architecture into the folder, and return it."""
    import ziglang

    zig = Path(ziglang.__file__).with_name("zig")
    version = ".".join(map(str, GLIBC))
    pip = (
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-cache-dir",
        "-w",
        folder,
        sdist,
    )
    run(
        *pip,
        *("-C", "install.strip=false"),  # this machine's knows no other architecture
        CXX=f"{zig} c++ -target {architecture}-linux-gnu.{version}",
        LDFLAGS="-s",
        _PYTHON_HOST_PLATFORM=f"linux-{architecture}",
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(wheel: Path) -> None:
    """Fail unless the wheel holds one extension, no other library, and what registers the layer."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    libraries = [name for name in names if ".so" in name]
    if libraries != ["numba_ompsafe/_core.abi3.so"]:
        sys.exit(f"{wheel.name} holds {libraries}")
    if not set(names) >= FILES_AT_THE_TOP:
        sys.exit(f"{wheel.name} does not hold {FILES_AT_THE_TOP} at its top")


def main() -> None:
    """Build and check all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="which is emptied")
    folder = parser.parse_args().folder.absolute()

    shutil.rmtree(folder, ignore_errors=True)
    run("build", "--sdist", "--no-isolation", "--outdir", folder, ROOT)
    (sdist,) = folder.iterdir()
    for architecture in ARCHITECTURES:
        platform = f"manylinux_{GLIBC[0]}_{GLIBC[1]}_{architecture}"
        with tempfile.TemporaryDirectory() as work:
            built = build_wheel(sdist, architecture, Path(work))
            # Names it after the oldest platform that has all it needs.
            run("auditwheel", "repair", "--plat", "auto", "-w", folder, built)
        wheels = list(folder.glob(f"*{platform}.whl"))
        if len(wheels) != 1:
            sys.exit(f"there is no wheel for {platform}")
        check(wheels[0])
    for wheel in folder.glob("*.whl"):
        run("auditwheel", "show", wheel)
    run("twine", "check", "--strict", *folder.iterdir())


if __name__ == "__main__":
    main()
