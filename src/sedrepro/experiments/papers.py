"""A paper's settings: typed, with the provenance of every value, at a scale and a budget.

Every folder of `sedrepro/papers` that holds a `settings.yaml` is a paper; nothing else lists them. A value's
provenance is one of `SOURCES`; what a scale changes is marked `scale`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import load
from sedrepro.corpora.settings import NO_FOLD, Corpus, Remix
from sedrepro.data_sets import data_set, trait
from sedrepro.experiments.configuration import Config, budget_of
from sedrepro.experiments.networks import require_networks, shape_networks
from sedrepro.experiments.overrides import keys_ending_in, override, scale_keys
from sedrepro.experiments.overruled import overruled
from sedrepro.experiments.paper_settings import PaperSettings
from sedrepro.experiments.provenance import AUTHORS_CODE, Provenance, mark, published_values
from sedrepro.experiments.scales import SCALES
from sedrepro.training.settings import METHODS, RunSettings, Training

#: Where a changed setting comes from: a configuration file or the command line.
CONFIGURED = "configuration"
PAPERS_FOLDER = Path(__file__).parents[1] / "papers"


@dataclass(frozen=True)
class Paper:
    """A paper at a scale: its settings and the provenance of each value by dotted key."""

    name: str
    settings: PaperSettings
    provenance: dict[str, Provenance]
    budget: str
    overruled: tuple[str, ...] = ()
    """Lines on changed settings that do not reach all runs."""

    @property
    def folder(self) -> Path:
        """The paper's folder in the package."""
        return PAPERS_FOLDER / self.name

    def corpus(self, name: str) -> Corpus:
        """Settings of one of its corpora.

        Raises:
            SettingsError: the paper has no such corpus (names the nearest).
        """
        if name not in self.settings.corpora:
            raise SettingsError(f"{self.name}: corpus '{name}' is unknown; {did_you_mean(name, self.settings.corpora)}")
        return self.settings.corpora[name]

    def remix(self, name: str) -> Remix:
        """Settings of one of its remix corpora.

        Raises:
            SettingsError: the paper has no such corpus, or it is no remix.
        """
        corpus = self.corpus(name)
        if not isinstance(corpus, Remix):
            raise SettingsError(f"{self.name}: corpus '{name}' is not a remix, there is nothing to mix")
        return corpus

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
    values, method = training.model_dump() | dict(differing), differing.get("method")
    if isinstance(method, Mapping):
        kind = METHODS.get(str(method.get("kind", training.method.kind)))
        kept = {key: value for key, value in training.method if kind is None or key in kind.model_fields}
        values["method"] = kept | dict(method)
    return values


def paper_names() -> list[str]:
    """All papers of the suite, by folder name."""
    return sorted(path.parent.name for path in PAPERS_FOLDER.glob("*/settings.yaml"))


def papers_with(key: str) -> dict[str, str]:
    """By paper the setting, as PAPER.KEY, that a key is or that ends in it; the one nearest to the top."""
    published = {name: published_values(PAPERS_FOLDER / name / "settings.yaml")[0] for name in paper_names()}
    found = {name: keys_ending_in(values, key) for name, values in published.items()}
    return {name: f"{name}.{keys[0]}" for name, keys in found.items() if keys}


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
        SettingsError: the paper, a key or a value is wrong, or a value has no provenance (names it); the configuration
            does without an unknown data set, or holds out a fold that the events of a remix do not have.
    """
    for other in config.without:
        data_set(other)  # a name that is mistyped would leave out nothing
    if name not in paper_names():
        raise SettingsError(f"paper '{name}' is unknown; {did_you_mean(name, paper_names())}")
    path = PAPERS_FOLDER / name / "settings.yaml"
    for other in config.set:
        if other not in paper_names():
            raise SettingsError(f"{CONFIGURED}: set: paper '{other}' is unknown; {did_you_mean(other, paper_names())}")
    values, provenance = published_values(path)
    scales = values.pop("scales", {})
    known = [*SCALES, *(f"{scale}-{budget}" for scale in SCALES for budget in ("cpu", "gpu"))]
    for key in scales:
        if key not in known:
            raise SettingsError(f"{path}: scales: '{key}' is unknown; {did_you_mean(key, known)}")
    for key in scale_keys(config):
        for dotted, value in scales.get(key, {}).get("values", {}).items():
            override(values, dotted, value, f"{path}: scales.{key}")
            mark(provenance, dotted, Provenance("scale", f"{key}: {scales[key].get('reason', '')}".strip()))
    for dotted, value in _shared(values, config).items():
        override(values, dotted, value, f"{path}: share")
        mark(provenance, dotted, Provenance("scale", f"a share of {config.share:g} of it"))
    for dotted, value in config.set.get(name, {}).items():
        override(values, dotted, value, CONFIGURED, f"{name}.")
        mark(provenance, dotted, Provenance("configuration"))
    changes = config.set.get(name, {})

    def origin(key: str) -> str:
        given = any(f"{key}.".startswith(f"{each}.") for each in changes)
        return f"{CONFIGURED} of {name}" if given else str(path)

    settings = load(PaperSettings, values, origin)
    paper = Paper(name, settings, provenance, budget_of(config), tuple(overruled(settings, changes, name)))
    _require_named_code(paper, path)
    _require_runs(paper)
    _require_folds(paper, config)
    if shape_networks(changes):
        try:
            require_networks(paper, changes)
        except SettingsError as error:
            given = ", ".join(f"{name}.{key} = {value!r}" for key, value in changes.items() if shape_networks([key]))
            raise SettingsError(f"{CONFIGURED}: {given}: {error}") from error
    return paper


def _shared(values: Mapping[str, Any], config: Config) -> dict[str, int]:
    """Mixtures of each corpus, by dotted key, where a rehearsal takes a share of the clips."""
    mixtures = {name: corpus.get("mixtures_per_fold") for name, corpus in values["corpora"].items()}
    return {
        f"corpora.{name}.mixtures_per_fold": max(1, round(config.share * count))
        for name, count in mixtures.items()
        if count is not None and config.share != 1
    }


def _require_named_code(paper: Paper, path: Path) -> None:
    """Refuse a value of the authors' code where no such code is named."""
    released = [key for key, origin in paper.provenance.items() if origin.source == AUTHORS_CODE]
    if released and not paper.settings.about.code:
        raise SettingsError(f"{path}: '{released[0]}' is of the {AUTHORS_CODE}; name that in about.code")


def _require_folds(paper: Paper, config: Config) -> None:
    """Refuse a fold to be held out that the events of a remix do not have."""
    for name, corpus in paper.settings.corpora.items():
        for fold in corpus.folds(config.folds) if isinstance(corpus, Remix) else ():
            require_fold(paper, name, fold, f"{CONFIGURED}: folds: {fold}: ")


def require_fold(paper: Paper, corpus: str, fold: int, where: str = "") -> None:
    """Refuse a fold that a corpus of a paper does not have.

    Raises:
        SettingsError: it has none of that number; `where` begins the message.
    """
    of_corpus = paper.corpus(corpus)
    if isinstance(of_corpus, Remix):
        last = trait(of_corpus.events, "FOLDS")
        if last and not 1 <= fold <= last:
            raise SettingsError(f"{where}{paper.name}'s corpus '{corpus}' has the folds 1 to {last}")
    elif fold != NO_FOLD:
        raise SettingsError(f"{where}{paper.name}'s corpus '{corpus}' has official splits, no folds: fold {NO_FOLD}")


def _require_runs(paper: Paper) -> None:
    """Refuse at once what else would only show when a run's settings are put together."""
    for name, corpus in paper.settings.corpora.items():
        for system in paper.settings.systems:
            paper.run(system, next(iter(corpus.variants(name))))
