"""From the words of a command to the reference and the protocol that predictions are held against."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.evaluation.settings import Evaluation, EventBased, SegmentBased
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.predictions.delimited import number_in, read_delimited
from sedrepro.predictions.protocol import DEFAULT_EVENTS, DEFAULT_SEGMENTS, Protocol
from sedrepro.predictions.reference import Reference, corpus_reference, table_reference
from sedrepro.published.needs import printed_splits

#: A section of the settings of metrics.
Section = TypeVar("Section", SegmentBased, EventBased)


@dataclass(frozen=True)
class Chosen:
    """What a user says of how predictions shall be evaluated."""

    paper: str | None = None
    variant: str | None = None
    split: str | None = None
    reference: Path | None = None
    durations: Path | None = None
    data_root: Path | None = None
    collar: float | None = None
    offset_share: float | None = None
    segment_seconds: float | None = None
    averaging: str | None = None
    undetected_classes: str | None = None

    def resolve(self, config: Config | None) -> tuple[Reference, Protocol]:
        """Reference and protocol; without configuration, papers are as published.

        Raises:
            DataError: labels cannot be read.
            SettingsError: neither paper nor reference is given, or words contradict each other (names them).
        """
        if self.paper is None:
            return self._without_paper()
        for option in ("collar", "offset_share", "segment_seconds", "averaging", "undetected_classes"):
            if getattr(self, option) is not None:
                raise SettingsError(
                    f"--{option.replace('_', '-')}: {self.paper} has a protocol; leave it out, or name no paper"
                )
        paper = load_paper(self.paper, config or published())
        variants = [v for name, corpus in paper.settings.corpora.items() for v in corpus.variants(name)]
        variant = self.variant or variants[0]
        corpus = paper.settings.corpora[paper.settings.corpus_of(variant)[0]]
        known = [*corpus.held_out, *corpus.subsets]
        split = self.split or default_split(paper, variant)
        if split not in known:
            raise SettingsError(f"{paper.name}: split '{split}' is not held out; {did_you_mean(split, known)}")
        if self.reference is not None:
            classes = paper.settings.classes_of(paper.settings.corpus_of(variant)[0])
            reference = table_reference(self.reference, classes, self._seconds())
        else:
            reference = corpus_reference(config or published(), paper, variant, split, self.data_root)
        return reference, Protocol(paper.settings.evaluation, paper, variant, split)

    def other_split(self, config: Config | None, protocol: Protocol, split: str) -> Reference:
        """The labels of another split, on which a way of detection chooses."""
        if self.reference is not None:
            raise DataError(
                f"this detection method chooses its parameters on split '{split}', whose labels --reference does not "
                "give; leave it out, or choose another method with --detection"
            )
        return corpus_reference(config or published(), protocol.known_paper, protocol.variant, split, self.data_root)

    def _without_paper(self) -> tuple[Reference, Protocol]:
        if self.reference is None:
            raise SettingsError("name a paper with --paper, to use its labels, or a table of labels with --reference")
        for option in ("variant", "split", "data_root"):
            if getattr(self, option) is not None:
                raise SettingsError(f"--{option.replace('_', '-')} belongs to a paper; name one with --paper")
        averaged = {"averaging": self.averaging, "undetected_classes": self.undetected_classes}
        segments = averaged | {"segment_seconds": self.segment_seconds}
        events = averaged | {"collar_seconds": self.collar, "offset_share": self.offset_share}
        evaluation = Evaluation(
            segment_based=_changed(DEFAULT_SEGMENTS, segments),
            event_based=_changed(DEFAULT_EVENTS, events),
        )
        return table_reference(self.reference, None, self._seconds()), Protocol(evaluation)

    def _seconds(self) -> dict[str, float]:
        """Seconds by filename, where a table of durations is given."""
        if self.durations is None:
            return {}
        table = read_delimited(self.durations, ("filename", "duration"), headerless=("filename", "duration"))
        for column in ("filename", "duration"):
            if column not in table.columns:
                raise DataError(f"{self.durations}: column '{column}' is missing")
        name, seconds = table.places(("filename", "duration"))
        found: dict[str, float] = {}
        for number, fields in table.rows:
            where, filename = f"{self.durations}: row {number}", fields[name].strip()
            duration = number_in(fields[seconds])
            if duration is None:
                raise DataError(f"{where}: duration {fields[seconds]!r} is not a number; give seconds")
            if not 0 < duration < math.inf:
                raise DataError(f"{where}: duration {duration:g} of '{filename}' is none; give seconds above 0")
            if found.setdefault(filename, duration) != duration:
                raise DataError(
                    f"{where}: '{filename}' has two durations, {found[filename]:g} and {duration:g}; keep one"
                )
        return found


def _changed(values: Section, changes: Mapping[str, object]) -> Section:
    from sedrepro.base.typed import load

    given = {key: value for key, value in changes.items() if value is not None}
    return load(type(values), values.model_dump() | given, "command line")


def default_split(paper: Paper, variant: str) -> str:
    """The only held-out split that printed numbers are of; the first where there are several such splits, or none."""
    printed = printed_splits(paper, variant)
    return next(iter(printed)) if len(printed) == 1 else paper.corpus(paper.settings.corpus_of(variant)[0]).held_out[0]


def published() -> Config:
    """A configuration for what needs none: the settings of papers as published, no runs."""
    return Config(scale="full", folds=(1,), seeds=(1,), device="cpu")
