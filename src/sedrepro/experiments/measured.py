"""What was measured of training steps, by device: time, and the memory that the process held.

`measured.csv` beside this module has what the suite's own record measured: at scale full on a GPU, and on a core of a
processor at every scale (large batches thinned). `calibrate` and the first run of each kind on a GPU write files of
their own.
"""

from __future__ import annotations

import csv
import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat

from sedrepro.base.errors import DataError
from sedrepro.base.files import write_json
from sedrepro.base.gpus import short_name
from sedrepro.base.typed import Typed, load, read_typed
from sedrepro.experiments.places import measurement_file

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

SHIPPED = Path(__file__).with_name("measured.csv")
#: Steps whose operations differ by less than this factor are of about the same size.
ALIKE = 3.0
TINY = 1e-6


class Measured(Typed):
    """Steps of a kind of run on a device."""

    device: str
    paper: str
    system: str
    network: str
    corpus: str
    tf32: bool
    mixed_precision: str = "off"
    gflop_per_step: NonNegativeFloat
    ms_per_step: PositiveFloat | None = None
    """None where other jobs were on the device as well."""
    activations_mib: NonNegativeInt
    """As counted."""
    held_mib: NonNegativeInt
    """What the process held at most, beside its context and its data."""

    @property
    def gflops(self) -> float | None:
        """Achieved rate, 10^9 operations per second."""
        return None if self.ms_per_step is None else self.gflop_per_step / self.ms_per_step * 1000

    @property
    def workspace_mib(self) -> int:
        """What was held beyond the counted activations."""
        return max(0, self.held_mib - self.activations_mib)


def shipped(device: str) -> list[Measured]:
    """What the suite's record measured on a device."""
    return [row for row in _record() if row.device == device]


@functools.cache
def _record() -> tuple[Measured, ...]:
    """All rows of the suite's record: every run of a forecast asks for them."""
    with open(SHIPPED, newline="", encoding="utf-8") as file:
        return tuple(load(Measured, row, f"{SHIPPED}: row {n}") for n, row in enumerate(csv.DictReader(file), 2))


def kind_of(config: Config, paper: Paper, system: str, variant: str) -> str:
    """What names the kind of a run in a file name: where it differs, so may time and memory of a step."""
    corpus = paper.settings.corpus_of(variant)[0]
    size = f"{config.scale}_{paper.budget}" if config.scale == "recordings" else config.scale
    precision = "tf32" if config.tf32 else "fp32"
    return ".".join([size, paper.name, system, corpus, precision, config.mixed_precision])


def write_measured(config: Config, paper: Paper, system: str, variant: str, found: Measured) -> Path:
    """Keep what was measured of a kind of run."""
    path = measurement_file(config, short_name(found.device), kind_of(config, paper, system, variant))
    write_json(path, found.model_dump(mode="json"))
    return path


def measured_here(config: Config, paper: Paper, system: str, variant: str, device: str) -> Measured | None:
    """What was measured of a kind of run on a device, by this installation."""
    path = measurement_file(config, short_name(device), kind_of(config, paper, system, variant))
    try:
        return read_typed(Measured, path, "delete it, or calibrate again") if path.is_file() else None
    except DataError:
        return None


def nearest(
    rows: list[Measured], paper: str, system: str, network: str, corpus: str, gflop_per_step: float
) -> Measured | None:
    """Of a paper's measurements that of the most similar run.

    What counts is, in this order, the network, whether its step is of about the same size, the corpus, and the system;
    last, how close the sizes are.
    """

    def likeness(row: Measured) -> tuple[bool, bool, bool, bool, float]:
        ratio = abs(math.log(max(row.gflop_per_step, TINY) / max(gflop_per_step, TINY)))
        return row.network == network, ratio < math.log(ALIKE), row.corpus == corpus, row.system == system, -ratio

    return max((row for row in rows if row.paper == paper), key=likeness, default=None)
