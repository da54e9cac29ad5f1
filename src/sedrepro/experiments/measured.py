"""What was measured of training steps, by device: time, and the memory that the process held.

`measured.csv` beside this module has what the suite's own record measured, at scale full; `calibrate` and the first run
of each kind on a GPU write files of their own.
"""

from __future__ import annotations

import csv
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


def shipped() -> list[Measured]:
    """What the suite's record measured."""
    with open(SHIPPED, newline="", encoding="utf-8") as file:
        return [load(Measured, row, f"{SHIPPED}: row {number}") for number, row in enumerate(csv.DictReader(file), 2)]


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


def nearest(rows: list[Measured], paper: str, system: str, network: str, corpus: str) -> Measured | None:
    """Of measurements that of the most similar run: of this system, this network, this paper; on this corpus first."""

    def likeness(row: Measured) -> tuple[bool, bool, bool]:
        return row.network == network, row.corpus == corpus, row.system == system

    alike = [row for row in rows if row.paper == paper]
    return max(alike, key=likeness, default=None)
