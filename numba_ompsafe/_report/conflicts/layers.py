"""Rules on which of Numba's threading layers runs."""

from collections.abc import Iterator

from numba_ompsafe._process import extension
from numba_ompsafe._process.layers import MAY_BE_OMP, NUMBAS_LAYERS
from numba_ompsafe._report.facts.layer import LAYERS, WORDS
from numba_ompsafe._report.record import Conflict, Layer, Report
from numba_ompsafe.errors import shown

_START = "NUMBA_THREADING_LAYER=ompsafe python app.py"
_SELECT = f"{_START}, or numba_ompsafe.enable() before the first parallel function is compiled"
_IN_TURNS = 'export NUMBA_THREADING_LAYER_PRIORITY="ompsafe tbb omp workqueue"'


def other_layer_launched(report: Report) -> Iterator[Conflict]:
    """Ompsafe is asked for, and another layer had been launched before."""
    layer = report.layer
    if report.from_outside:  # the program may have asked for the other one in code; so below
        return
    if layer.requested != "ompsafe" or layer.running is None or layer.is_ompsafe:
        return
    yield Conflict(
        code="other-layer-launched",
        severity="severe",
        found=f"the layer ompsafe is asked for, but {layer.running} had been launched before",
        effect="Numba launches one layer per process: what asks for ompsafe is ignored",
        remedy=_SELECT,
    )


def layer_changed(report: Report) -> Iterator[Conflict]:
    """Code has set another layer than the environment, or Numba's config file, asks for.

    ``numba_ompsafe.enable()`` does so, and whoever sets ompsafe means it.
    """
    layer = report.layer
    if report.from_outside or layer.is_ompsafe or layer.requested in (None, "ompsafe"):
        return
    said = layer.said or "default"
    as_omp = report.environment.get("NUMBA_OMPSAFE_AS_OMP") == "1" and said in MAY_BE_OMP
    if said != "default":
        changed, asked = said != layer.requested, f"NUMBA_THREADING_LAYER={said}"
    else:
        changed, asked = as_omp and layer.requested not in MAY_BE_OMP, "NUMBA_OMPSAFE_AS_OMP=1"
    if not changed or layer.running == said:
        return
    ends = "and before the first parallel function is compiled"
    if as_omp or said == "ompsafe":
        remedy = f"numba_ompsafe.enable() after the import that has changed it {ends}"
    else:
        remedy = f'numba.config.THREADING_LAYER = "{said}" after that import {ends}'
    if said == "omp":
        remedy = f"{_START}, which such code leaves alone; or {remedy}"
    runs = "has launched" if layer.running else "will launch"
    yield Conflict(
        code="layer-changed",
        severity="severe",
        found=(
            f"{asked} asks for a layer, and code that the program has run or imported has set "
            f'numba.config.THREADING_LAYER = "{layer.requested}" since (pynndescent does, which '
            "UMAP imports, where it finds omp)"
        ),
        effect=f"the first parallel Numba call {runs} {layer.running or layer.requested}",
        remedy=remedy,
    )


def layer_not_running(report: Report) -> Iterator[Conflict]:
    """Another layer runs than the one that was asked for by name, or first."""
    layer = report.layer
    if report.from_outside:
        return
    if layer.running is None:
        yield from _launches_nothing(report)
    if layer.running is None or (layer.is_ompsafe and layer.requested in ("omp", "ompsafe")):
        return
    if layer.requested in NUMBAS_LAYERS and layer.requested != layer.running:
        yield Conflict(
            code="layer-not-running",
            severity="severe",
            found=f"the layer {layer.requested} is asked for, but {layer.running} runs",
            effect="Numba launches one layer per process: what was asked for later is ignored",
            remedy=f"NUMBA_THREADING_LAYER={layer.requested} python app.py",
        )
    elif _fell_back(layer):
        first = layer.priority[0]
        yield Conflict(
            code="layer-not-running",
            severity="severe" if first == "ompsafe" else "moderate",
            found=(
                f"{layer.running} runs, which NUMBA_THREADING_LAYER_PRIORITY has after {first}: "
                f"{first} could not be loaded"
            ),
            effect="the process has not the layer that was to be tried first",
            remedy=f"NUMBA_THREADING_LAYER={first} python app.py (its error says what is missing)",
        )


def default_not_obeyed(report: Report) -> Iterator[Conflict]:
    """A count was set that the layer ompsafe obeys, and another one runs, or is going to."""
    layer, count = report.layer, report.counts.numba_default
    if count is None or layer.expected in (None, "ompsafe"):
        return
    runs = "runs" if layer.running else "is what the first parallel Numba call launches"
    yield Conflict(
        code="layer-not-running",
        severity="severe",
        found=(
            f"numba_ompsafe.set_default_num_threads({count}) was called, but the layer "
            f"{layer.expected} {runs}"
        ),
        effect="that layer does not know of the number, and uses another",
        remedy=_SELECT,
    )


def start_up_file(report: Report) -> Iterator[Conflict]:
    """The file that registers the layer at the start of Python was not read."""
    layer = report.layer
    if layer.start_up_file_ran is not False or layer.registered:
        return
    asked_for = layer.requested == "ompsafe" or "ompsafe" in layer.priority
    if layer.start_up_file is None:
        found = "there is no start-up file of numba-ompsafe beside the package"
    else:
        found = f"Python did not read {layer.start_up_file} (a PYTHONPATH folder, or python -S)"
    yield Conflict(
        code="start-up-file",
        severity="severe" if asked_for else "moderate",
        found=found,
        effect=(
            "Numba does not know the layer ompsafe until it compiles its first function; and never "
            "where the package was copied without its .dist-info"
        ),
        remedy="import numba_ompsafe; numba_ompsafe.enable()",
    )


def _launches_nothing(report: Report) -> Iterator[Conflict]:
    """What is asked for is no layer, or cannot be made one, for more than the start-up file."""
    layer, has_numba = report.layer, report.versions.numba is not None
    asked = layer.priority if layer.requested == "default" else (layer.requested,)
    unknown = [name for name in asked if name not in (None, *LAYERS, *WORDS)]
    if unknown:
        found = f"{' and '.join(map(shown, unknown))} is asked for, which is no threading layer"
        if layer.said == layer.requested and "NUMBA_THREADING_LAYER" not in report.environment:
            found += " (in Numba's config file, .numba_config.yaml)"
        remedy = _START
        if layer.requested == "default":
            remedy = f"{_IN_TURNS}: names in lower case with blanks between them"
    elif has_numba and layer.requested != "ompsafe" and _is_refused(layer):
        found = f"NUMBA_THREADING_LAYER_PRIORITY is {shown(' '.join(layer.priority))}"
        remedy = f"{_IN_TURNS}: each name once, and all of Numba's own where ompsafe is none"
    elif "ompsafe" in asked and layer.registered is False and layer.start_up_file_ran is not False:
        found = "the layer ompsafe is asked for, and could not be registered with this Numba"
        remedy = "import numba_ompsafe; numba_ompsafe.enable() (its error says why)"
    elif layer.broken:
        found, remedy = layer.broken, extension.REMEDY
    else:
        return
    yield Conflict(
        code="layer-not-running",
        severity="severe",
        found=found,
        effect="the first parallel Numba call raises ValueError",
        remedy=remedy,
    )


def _is_refused(layer: Layer) -> bool:
    """Whether a launch refuses the list, which Numba looks at for every word."""
    names = layer.priority
    if any("ompsafe" in name.lower() for name in names):
        return layer.requested == "default" and len(set(names)) != len(names)
    return sorted(names) != sorted(NUMBAS_LAYERS)


def _fell_back(layer: Layer) -> bool:
    """Numba's own list names TBB first, which few have: that layer was nobody's wish."""
    if layer.requested != "default" or layer.priority in ((), NUMBAS_LAYERS):
        return False
    if layer.is_ompsafe:
        return layer.priority[0] not in ("omp", "ompsafe")
    return layer.priority[0] != layer.running
