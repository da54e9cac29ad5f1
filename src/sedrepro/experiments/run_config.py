"""config.json of a run: everything that decided its result; one reader, one writer."""

from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt

from sedrepro.annotations.clips import Coverage
from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import DataError
from sedrepro.base.files import write_json
from sedrepro.base.typed import Typed, load, read_typed
from sedrepro.experiments.run_files import CONFIG

#: Keys that say what training came to, not what it was given.
OUTCOMES = ("best_epoch", "train_clips", "selection_clips", "parameters")


class RunConfig(Typed):
    """What a run is, what it was made with, and how many clips it had.

    `settings` and `corpus` stay as they were written: what is asked of them is checked when it is asked, so that a run
    from before a setting existed can still be told from one of today.
    """

    model_config = ConfigDict(extra="ignore")

    paper: str
    system: str
    variant: str
    fold: NonNegativeInt
    seed: NonNegativeInt
    scale: str
    budget: str
    settings: dict[str, Any]
    """Of `sedrepro.training.settings.RunSettings`."""
    corpus: dict[str, Any]
    """Of `sedrepro.corpora.settings.Corpus`."""
    segment_seconds: float | None = None
    """Of the segments that the network has pooled itself, where a way of detection needs them."""
    mixed_precision: str
    tf32: bool
    classes: list[str]
    """In the order of the scores."""
    clips_expected: NonNegativeInt
    clips: NonNegativeInt
    expected_by_split: dict[str, NonNegativeInt] = Field(default={})
    features_fingerprint: str
    data: dict[str, Coverage]
    best_epoch: PositiveInt | None = None
    train_clips: NonNegativeInt | None = None
    selection_clips: NonNegativeInt | None = None
    parameters: NonNegativeInt | None = None


def config_file(folder: Path) -> Path:
    """config.json in a run's folder."""
    return folder / CONFIG


def write_run_config(folder: Path, config: RunConfig) -> None:
    """Write config.json."""
    write_json(config_file(folder), config.model_dump(mode="json"))


def read_run_config(folder: Path) -> RunConfig:
    """What a run's config.json says.

    Raises:
        DataError: the file is missing, is no JSON, or a key is missing or wrong (names file and key).
    """
    return read_typed(RunConfig, config_file(folder), "train this run again")


def stored_front_end(folder: Path, config: RunConfig) -> FrontEnd:
    """The front end of a run's features.

    Raises:
        SettingsError: it has a key or a value that no front end has today (names it).
    """
    return load(FrontEnd, config.settings.get("front_end", {}), str(config_file(folder)))


def require_front_end(folder: Path, config: RunConfig, front_end: FrontEnd) -> FrontEnd:
    """The front end of a run's features, which must be that of the settings of today.

    Raises:
        DataError: the run was trained with another (names what differs).
        SettingsError: it has a key or a value that no front end has today (names it).
    """
    stored = stored_front_end(folder, config)
    differing = [f"{key} {then}, not {now}" for key, now in front_end if (then := getattr(stored, key)) != now]
    if differing:
        raise DataError(
            f"{folder}: was trained with a front end that differs from the settings ({', '.join(differing)}); "
            "train it again, or restore the settings that it was trained with"
        )
    return stored
