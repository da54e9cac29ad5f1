"""What the settings.yaml of a paper holds: typed, and checked as a whole."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, field_validator, model_validator

from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import Typed, load
from sedrepro.corpora.settings import Corpus
from sedrepro.detection.settings import Method, Search
from sedrepro.evaluation.settings import Evaluation
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.training.settings import HELD_OUT, VALIDATION, Training, selected_by


class About(Typed):
    """Bibliographic facts."""

    title: str
    authors: str
    published_in: str
    url: str
    code: str = Field(default="", description="the authors' own code, where it made the printed numbers; empty: none")


class System(Typed):
    """One system of a paper: a network, its arguments, the weights of its auxiliary losses."""

    label: str
    network: str = Field(description="entry of the paper's `networks`")
    arguments: dict[str, Any] = Field(default_factory=dict)
    loss_weights: dict[str, NonNegativeFloat] = Field(default_factory=dict, description="auxiliary losses' weights")
    training: dict[str, Any] = Field(default_factory=dict, description="what differs from the paper's `training`")
    based_on: str | None = Field(default=None, description="system whose runs its runs start from")
    seeds: tuple[NonNegativeInt, ...] = Field(default=(), description="of its runs; none: those of the configuration")
    tables: tuple[str, ...] = Field(
        default=(),
        description="for a system that the paper does not have: tables that show it below the published rows",
    )

    @field_validator("seeds")
    @classmethod
    def _no_seed_twice(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is listed twice")
        return seeds


class Figure(Typed):
    """One figure: which runs it looks into."""

    title: str
    systems: tuple[str, ...] = Field(min_length=1)
    variant: str
    runs: Literal["first", "all"] = Field(default="first", description="of a system: its first fold and seed, or all")


class PaperSettings(Typed):
    """Everything in a paper's settings.yaml."""

    about: About
    classes: tuple[str, ...] = Field(min_length=1, description="class order of scores and metrics")
    front_end: FrontEnd
    corpora: dict[str, Corpus]
    training_on: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="what differs from `training` on a corpus, by its name"
    )
    networks: dict[str, dict[str, Any]]
    training: Training
    evaluation: Evaluation = Evaluation()
    detection: dict[str, Method] = Field(default_factory=dict, description="ways from frame scores to events")
    systems: dict[str, System]
    tables: dict[str, TableLayout]
    figures: dict[str, Figure] = Field(default_factory=dict)

    @property
    def claim_tables(self) -> list[str]:
        """The tables that hold claims."""
        return [name for name, layout in self.tables.items() if layout.kind == "claims"]

    @property
    def cell_tables(self) -> list[str]:
        """The tables that hold numbers or texts."""
        return [name for name, layout in self.tables.items() if layout.kind != "claims"]

    @model_validator(mode="after")
    def _detected_events_are_scored(self) -> "PaperSettings":
        scored = self.evaluation.segment_based or self.evaluation.event_based
        if bool(self.detection) != (scored is not None):
            raise ValueError("detection and evaluation.segment_based or event_based belong together: give both or none")
        for name, how in self.detection.items():
            if isinstance(how, Search) and self.evaluation.segment_based is None:
                raise ValueError(f"detection.{name} searches by segments: give evaluation.segment_based")
            for corpus in how.corpora:
                if corpus not in self.corpora:
                    hint = did_you_mean(corpus, self.corpora)
                    raise ValueError(f"detection.{name}.corpora: '{corpus}' is unknown; {hint}")
        return self

    @model_validator(mode="after")
    def _splits_are_held_out(self) -> "PaperSettings":
        splits = [split for corpus in self.corpora.values() for split in corpus.held_out]
        selecting: dict[str, tuple[str | None, Sequence[str]]] = {"training": (self.training.select_on, splits)}
        selecting |= {
            f"systems.{name}.training": (system.training.get("select_on"), splits)
            for name, system in self.systems.items()
        }
        for name, given in self.training_on.items():
            if name not in self.corpora:
                raise ValueError(f"training_on.{name}: no such corpus; {did_you_mean(name, self.corpora)}")
            selecting[f"training_on.{name}"] = given.get("select_on"), self.corpora[name].held_out
        for where, (chosen, held_out) in selecting.items():
            known = [VALIDATION, HELD_OUT, *map(selected_by, held_out)]
            if chosen is not None and chosen not in known:
                hint = did_you_mean(str(chosen), known)
                raise ValueError(f"{where}.select_on = {chosen!r} is not a held-out split; {hint}")
        for name, how in self.detection.items():
            for corpus in how.corpora or self.corpora:
                splits = list(self.corpora[corpus].held_out)
                if how.choose_on is not None and how.choose_on not in splits:
                    hint = did_you_mean(how.choose_on, splits)
                    raise ValueError(
                        f"detection.{name}.choose_on = {how.choose_on!r} is not a held-out split of {corpus}; {hint}"
                    )
        return self

    @model_validator(mode="after")
    def _bases_are_systems(self) -> "PaperSettings":
        for name in self.systems:
            chain = [name]
            while (base := self.systems[chain[-1]].based_on) is not None:
                if base not in self.systems:
                    hint = did_you_mean(base, self.systems)
                    raise ValueError(f"systems.{chain[-1]}.based_on = {base!r} is not a system; {hint}")
                if base in chain:
                    raise ValueError(f"systems.{name}.based_on leads back to itself: {' -> '.join([*chain, base])}")
                chain.append(base)
        return self

    @model_validator(mode="after")
    def _systems_are_shown_in_tables(self) -> "PaperSettings":
        numbers = [name for name, layout in self.tables.items() if layout.kind == "numbers"]
        for name, system in self.systems.items():
            for table in system.tables:
                if table not in numbers:
                    hint = did_you_mean(table, numbers)
                    raise ValueError(f"systems.{name}.tables: '{table}' is not a table of numbers; {hint}")
        return self

    @model_validator(mode="after")
    def _corpora_have_front_ends(self) -> "PaperSettings":
        for name in self.corpora:
            try:
                self.front_end_of(name)
            except SettingsError as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def data_sets(self) -> list[str]:
        """The official data sets that its corpora are made of."""
        return sorted({name for corpus in self.corpora.values() for name in corpus.data_sets})

    def corpus_of(self, variant: str) -> tuple[str, int | None]:
        """Corpus name of a corpus variant, and its SNR in dB if it is mixed.

        Raises:
            SettingsError: there is no such variant (names the nearest).
        """
        known = {v: (name, snr) for name, corpus in self.corpora.items() for v, snr in corpus.variants(name).items()}
        if variant not in known:
            raise SettingsError(f"corpus variant '{variant}' is unknown; {did_you_mean(variant, known)}")
        return known[variant]

    def detection_of(self, corpus: str) -> dict[str, Method]:
        """The ways of detection that the runs on a corpus are scored with."""
        return {name: how for name, how in self.detection.items() if not how.corpora or corpus in how.corpora}

    def pooled_segments(self, corpus: str) -> float | None:
        """Seconds of the segments that the networks themselves pool on a corpus; None where no detection needs any."""
        return next(filter(None, (how.pooled_seconds for how in self.detection_of(corpus).values())), None)

    @property
    def needs_frames(self) -> bool:
        """Whether scoring needs the frame scores of a run."""
        return bool(self.detection) or self.evaluation.frame_level is not None

    def front_end_of(self, corpus: str) -> FrontEnd:
        """The front end of the features of a corpus: the paper's, with what the corpus changes.

        Raises:
            SettingsError: it changes a key that a front end does not have, or to an impossible value.
        """
        differing = self.corpora[corpus].front_end
        if not differing:
            return self.front_end
        return load(FrontEnd, self.front_end.model_dump() | differing, f"corpora.{corpus}.front_end")

    def classes_of(self, corpus: str) -> tuple[str, ...]:
        """Class order of the scores and metrics of a corpus: its own, or the paper's."""
        return self.corpora[corpus].classes or self.classes

    def figure_of(self, name: str) -> Figure:
        """Settings of a figure.

        Raises:
            SettingsError: there is no such figure (names the nearest).
        """
        if name not in self.figures:
            raise SettingsError(f"figure '{name}' is unknown; {did_you_mean(name, self.figures)}")
        return self.figures[name]
