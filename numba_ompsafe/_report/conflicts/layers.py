"""Rules on which of Numba's threading layers runs."""

from collections.abc import Iterator

from numba_ompsafe._process.layers import NUMBAS_LAYERS
from numba_ompsafe._report.facts.layer import LAYERS, WORDS
from numba_ompsafe._report.record import Conflict, Layer, Report

_START = "NUMBA_THREADING_LAYER=ompsafe python app.py"


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
        remedy=(
            f"{_START}, or numba_ompsafe.enable() before the first parallel function is compiled"
        ),
    )


def layer_not_running(report: Report) -> Iterator[Conflict]:
    """Another layer runs than the one that was asked for by name, or first."""
    layer = report.layer
    if report.from_outside:
        return
    if layer.running is None:
        yield from _launches_nothing(layer)
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
        effect="Numba does not know the layer ompsafe until it compiles its first function",
        remedy="import numba_ompsafe; numba_ompsafe.enable()",
    )


def _launches_nothing(layer: Layer) -> Iterator[Conflict]:
    """What is asked for is no layer, or cannot be made one, for more than the start-up file."""
    asked = layer.priority if layer.requested == "default" else (layer.requested,)
    unknown = [name for name in asked if name not in (None, *LAYERS, *WORDS)]
    if unknown:
        found = f"{' and '.join(map(repr, unknown))} is asked for, which is no threading layer"
        remedy = _START
    elif "ompsafe" in asked and layer.registered is False and layer.start_up_file_ran is not False:
        found = "the layer ompsafe is asked for, and could not be registered with this Numba"
        remedy = "import numba_ompsafe; numba_ompsafe.enable() (its error says why)"
    else:
        return
    yield Conflict(
        code="layer-not-running",
        severity="severe",
        found=found,
        effect="the first parallel Numba call raises ValueError",
        remedy=remedy,
    )


def _fell_back(layer: Layer) -> bool:
    """Numba's own list names TBB first, which few have: that layer was nobody's wish."""
    if layer.requested != "default" or layer.priority in ((), NUMBAS_LAYERS):
        return False
    if layer.is_ompsafe:
        return layer.priority[0] not in ("omp", "ompsafe")
    return layer.priority[0] != layer.running
