"""A paper's settings: typed, with the provenance of every value, at a scale and a budget.

Every folder of `sedrepro/papers` that holds a `settings.yaml` is a paper; nothing else lists them. A value's
provenance is one of `SOURCES`; what a scale changes is marked `scale`.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, field_validator, model_validator

from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import Typed, load
from sedrepro.corpora.official import Official
from sedrepro.corpora.remix import Remix
from sedrepro.detection.methods import Method
from sedrepro.detection.search import Search
from sedrepro.evaluation.event_based import EventBased
from sedrepro.evaluation.frame_level import FrameLevel
from sedrepro.evaluation.segment_based import SegmentBased
from sedrepro.experiments.configuration import SCALES, Config, budget_of, read_yaml
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.training.settings import HELD_OUT, METHODS, VALIDATION, Confidence, Retraining, Training, selected_by

PAPERS_FOLDER = Path(__file__).parents[1] / "papers"
AUTHORS_CODE = "authors' code"
#: Where a value can come from, in the order of precedence: the main rows of a table use the first that exists.
SOURCES = {
    AUTHORS_CODE: "what the authors' own released code does, where it made the printed numbers",
    "paper": "the paper's text",
    "cited code": "the code of a system that the paper builds on",
    "assumption": "an assumption, with its reason",
}
UNSOURCED = ("about", "classes", "tables", "figures", "scales")


class About(Typed):
    """Bibliographic facts."""

    title: str
    authors: str
    published_in: str
    url: str
    code: str = Field(default="", description="the authors' own code, where it made the printed numbers; empty: none")


Corpus = Annotated[Remix | Official, Field(discriminator="kind")]


class ClipLevel(Typed):
    """How clips are decided on."""

    threshold: float = Field(gt=0, lt=1, description="for F1: a class is in a clip that scores so much for it")


class Evaluation(Typed):
    """What is computed beside the clip-level ranking metrics; the last two are of detected events."""

    clip_level: ClipLevel | None = None
    frame_level: FrameLevel | None = None
    segment_based: SegmentBased | None = None
    event_based: EventBased | None = None


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
            raise ValueError("a seed stands twice")
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
        selecting = {"training": (self.training.select_on, splits)}
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
                raise ValueError(f"{where}.select_on = {chosen!r} is no held-out split; {hint}")
        for name, how in self.detection.items():
            for corpus in how.corpora or self.corpora:
                known = self.corpora[corpus].held_out
                if how.choose_on is not None and how.choose_on not in known:
                    hint = did_you_mean(how.choose_on, known)
                    raise ValueError(
                        f"detection.{name}.choose_on = {how.choose_on!r} is no held-out split of {corpus}; {hint}"
                    )
        return self

    @model_validator(mode="after")
    def _bases_are_systems(self) -> "PaperSettings":
        for name in self.systems:
            chain = [name]
            while (base := self.systems[chain[-1]].based_on) is not None:
                if base not in self.systems:
                    hint = did_you_mean(base, self.systems)
                    raise ValueError(f"systems.{chain[-1]}.based_on = {base!r} is no system; {hint}")
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
                    raise ValueError(f"systems.{name}.tables: '{table}' is no table of numbers; {hint}")
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


class RunSettings(Typed):
    """What one training run depends on, and nothing else."""

    front_end: FrontEnd
    network: str
    arguments: dict[str, Any]
    loss_weights: dict[str, float]
    training: Training
    based_on: str | None = None

    @model_validator(mode="after")
    def _has_what_its_method_starts_from(self) -> "RunSettings":
        needs = isinstance(self.training.method, Confidence | Retraining)
        if needs and self.based_on is None:
            raise ValueError(f"training.method {self.training.method.kind} starts from another run; give based_on")
        if self.based_on is not None and not needs:
            raise ValueError(f"training.method {self.training.method.kind} starts from no other run; drop based_on")
        return self


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from, and why it is what it is."""

    source: str
    reason: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper at a scale: its settings and the provenance of each value by dotted key."""

    name: str
    settings: PaperSettings
    provenance: dict[str, Provenance]
    budget: str

    @property
    def folder(self) -> Path:
        """The paper's folder in the package."""
        return PAPERS_FOLDER / self.name

    def run(self, system: str, variant: str | None = None) -> RunSettings:
        """The settings of one system's runs on a corpus variant; without one, as on a corpus without its own training.

        Raises:
            SettingsError: the system, its network, the variant or a training key is unknown (names the nearest).
        """
        systems, networks = self.settings.systems, self.settings.networks
        if system not in systems:
            raise SettingsError(f"{self.name}: system '{system}' is unknown; {did_you_mean(system, systems)}")
        chosen = systems[system]
        if chosen.network not in networks:
            raise SettingsError(
                f"{self.name}: network '{chosen.network}' is unknown; {did_you_mean(chosen.network, networks)}"
            )
        training, corpus = self.settings.training, self.settings.corpus_of(variant)[0] if variant else ""
        for where, differing in (
            (f"training_on.{corpus}", self.settings.training_on.get(corpus)),
            (f"systems.{system}.training", chosen.training),
        ):
            if differing:
                training = load(Training, _changed(training, differing), f"{self.name}: {where}")
        values = {
            "front_end": self.settings.front_end_of(corpus) if corpus else self.settings.front_end,
            "network": chosen.network,
            "arguments": networks[chosen.network] | chosen.arguments,
            "loss_weights": chosen.loss_weights,
            "training": training,
            "based_on": chosen.based_on,
        }
        return load(RunSettings, values, f"{self.name}: systems.{system}")


def _changed(training: Training, differing: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `training` with those that differ; of its method key by key, as far as another kind knows the key."""
    values, method = training.model_dump() | differing, differing.get("method")
    if isinstance(method, Mapping):
        kind = METHODS.get(str(method.get("kind", training.method.kind)))
        kept = {key: value for key, value in training.method if kind is None or key in kind.model_fields}
        values["method"] = kept | method
    return values


def paper_names() -> list[str]:
    """All papers of the suite, by folder name."""
    return sorted(path.parent.name for path in PAPERS_FOLDER.glob("*/settings.yaml"))


def chosen_papers(config: Config) -> list[str]:
    """The papers that a configuration asks for.

    Raises:
        SettingsError: one of them is unknown (names the nearest).
    """
    known = paper_names()
    for name in config.papers:
        if name not in known:
            raise SettingsError(f"paper '{name}' is unknown; {did_you_mean(name, known)}")
    return list(config.papers) or known


def load_paper(name: str, config: Config) -> Paper:
    """A paper's settings at the configuration's scale, its budget, and with the configuration's overrides.

    Raises:
        SettingsError: the paper, a key or a value is wrong, or a value has no provenance (names it).
    """
    if name not in paper_names():
        raise SettingsError(f"paper '{name}' is unknown; {did_you_mean(name, paper_names())}")
    path = PAPERS_FOLDER / name / "settings.yaml"
    for paper in config.set:
        if paper not in paper_names():
            raise SettingsError(f"configuration: set: paper '{paper}' is unknown; {did_you_mean(paper, paper_names())}")
    values, provenance = _published(path)
    scales = values.pop("scales", {})
    known = [*SCALES, *(f"{scale}-{budget}" for scale in SCALES for budget in ("cpu", "gpu"))]
    for key in scales:
        if key not in known:
            raise SettingsError(f"{path}: scales: '{key}' is unknown; {did_you_mean(key, known)}")
    for key in _scale_keys(config):
        for dotted, value in scales.get(key, {}).get("values", {}).items():
            _override(values, dotted, value, f"{path}: scales.{key}")
            _mark(provenance, dotted, Provenance("scale", f"{key}: {scales[key].get('reason', '')}".strip()))
    for dotted, value in config.set.get(name, {}).items():
        _override(values, dotted, value, f"configuration: set.{name}")
        _mark(provenance, dotted, Provenance("configuration"))
    paper = Paper(name, load(PaperSettings, values, str(path)), provenance, budget_of(config))
    _require_named_code(paper, path)
    _require_runs(paper)
    return paper


def _require_named_code(paper: Paper, path: Path) -> None:
    """Refuse a value of the authors' code where no such code is named."""
    released = [key for key, origin in paper.provenance.items() if origin.source == AUTHORS_CODE]
    if released and not paper.settings.about.code:
        raise SettingsError(f"{path}: '{released[0]}' is of the {AUTHORS_CODE}; name that in about.code")


def _require_runs(paper: Paper) -> None:
    """Refuse at once what else would only show when a run's settings are put together."""
    for name, corpus in paper.settings.corpora.items():
        for system in paper.settings.systems:
            paper.run(system, next(iter(corpus.variants(name))))


def _mark(provenance: dict[str, Provenance], dotted: str, origin: Provenance) -> None:
    """Set the provenance of a key; where it was a mapping, that of its former values is forgotten."""
    for key in [key for key in provenance if key.startswith(f"{dotted}.") and dotted not in provenance]:
        del provenance[key]
    provenance[dotted] = origin


def _scale_keys(config: Config) -> list[str]:
    """Sections of `scales` that apply, later ones over earlier ones."""
    return [config.scale, f"{config.scale}-{budget_of(config)}"]


@cache
def _read(path: Path) -> dict[str, Any]:
    return read_yaml(path)


def _published(path: Path) -> tuple[dict[str, Any], dict[str, Provenance]]:
    """Plain values of a settings file, and the provenance of each by dotted key."""
    raw = copy.deepcopy(_read(path))
    provenance: dict[str, Provenance] = {}
    values = {
        key: section if key in UNSOURCED else _plain(section, key, None, provenance, path)
        for key, section in raw.items()
    }
    return values, provenance


def _plain(node: Any, dotted: str, inherited: Provenance | None, provenance: dict[str, Provenance], path: Path) -> Any:
    """Strip provenance from a node: `{value, source, reason}` leaves, or `provenance` of a whole mapping."""
    if isinstance(node, Mapping) and "value" in node:
        provenance[dotted] = _source({k: v for k, v in node.items() if k != "value"}, dotted, path)
        return node["value"]
    if isinstance(node, Mapping):
        own = node.get("provenance")
        inherited = _source(own, dotted, path) if own else inherited
        return {
            key: _plain(value, f"{dotted}.{key}", inherited, provenance, path)
            for key, value in node.items()
            if key != "provenance"
        }
    if inherited is None:
        raise SettingsError(f"{path}: '{dotted}' has no provenance; write {{value, source, reason}}")
    provenance[dotted] = inherited
    return node


def _source(given: Any, dotted: str, path: Path) -> Provenance:
    if not isinstance(given, Mapping):
        raise SettingsError(f"{path}: '{dotted}': provenance '{given}' must be {{source, reason}}")
    for key in given:
        if key not in ("source", "reason"):
            hint = did_you_mean(key, ("source", "reason"))
            raise SettingsError(f"{path}: '{dotted}': unknown key '{key}' of a provenance; {hint}")
    source, reason = given.get("source"), given.get("reason", "")
    if source not in SOURCES:
        raise SettingsError(f"{path}: '{dotted}': source '{source}' is unknown; {did_you_mean(str(source), SOURCES)}")
    if source == "assumption" and not reason:
        raise SettingsError(f"{path}: '{dotted}' is an assumption without a reason")
    return Provenance(source, reason)


def _override(values: dict[str, Any], dotted: str, value: Any, where: str) -> None:
    """Replace the value at a dotted key, which must exist.

    A part that itself holds dots (a system's name, say) is matched as the longest key that fits.
    """
    node, rest = values, dotted
    while True:
        key = next((k for k in sorted(node, key=len, reverse=True) if rest == k or rest.startswith(f"{k}.")), None)
        if key is None:
            part = rest.split(".")[0]
            raise SettingsError(f"{where}: unknown key '{dotted}'; {did_you_mean(part, node)}")
        if rest == key:
            node[key] = value
            return
        if not isinstance(node[key], dict):
            raise SettingsError(f"{where}: '{dotted}': '{key}' holds no keys")
        node, rest = node[key], rest[len(key) + 1 :]
