"""Runs: which there are, where they lie, training them, and what they say of their training clips.

A run is (paper, system, corpus variant, fold, seed). Its folder holds what `sedrepro.experiments.run_files` lists and, once scored,
what `sedrepro.steps.score` adds.
"""

import hashlib
import importlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import write_json
from sedrepro.corpora.settings import Parts
from sedrepro.corpora.tables import read_strong
from sedrepro.experiments import run_files
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.settings import Paper
from sedrepro.training.settings import Guided, MeanTeacher, Retraining, Supervised

#: Training clips that are asked at once for pseudo-labels.
ASKED_AT_ONCE = 512


@dataclass(frozen=True)
class RunIdentity:
    """What names a run."""

    paper: str
    system: str
    variant: str
    fold: int
    seed: int

    @property
    def path(self) -> Path:
        """Its folder below `results/<scale>` (and its file below the resume folder)."""
        return Path(self.paper, "runs", self.system, self.variant, f"fold{self.fold}", f"seed{self.seed}")

    def folder(self, config: Config) -> Path:
        """Where its results lie."""
        return config.results_dir / config.scale / self.path

    def metrics_file(self, config: Config) -> Path:
        """Its metrics, once it is scored: the only file of a run that tables read."""
        return self.folder(config) / "metrics.json"

    def resume_file(self, config: Config) -> Path:
        """Its resume state: outside the declared outputs, which Snakemake deletes after a failure."""
        return config.work_dir / config.scale / "resume" / self.path.with_suffix(".pt")


def runs_of(config: Config, paper: Paper, system: str, variant: str) -> list[RunIdentity]:
    """The runs of a system on a corpus variant: the folds of the corpus, and the system's seeds or the configured.

    Raises:
        SettingsError: the system or the variant is unknown (names the nearest).
    """
    paper.run(system, variant)
    settings = paper.settings
    folds = settings.corpora[settings.corpus_of(variant)[0]].folds(config.folds)
    seeds = settings.systems[system].seeds or config.seeds
    return [RunIdentity(paper.name, system, variant, fold, seed) for fold in folds for seed in seeds]


def figure_runs(config: Config, paper: Paper, figure: str) -> list[RunIdentity]:
    """The runs that a figure looks into: of each of its systems the first fold and seed, or all.

    Raises:
        SettingsError: the paper has no such figure, or it names an unknown system or variant (names the nearest).
    """
    shown = paper.settings.figure_of(figure)
    number = 1 if shown.runs == "first" else None
    return [who for system in shown.systems for who in runs_of(config, paper, system, shown.variant)[:number]]


def base_of(paper: Paper, who: RunIdentity) -> RunIdentity | None:
    """The run that a run is based on: of equal variant, fold and seed."""
    system = paper.run(who.system, who.variant).based_on
    return None if system is None else replace(who, system=system)


def base_files(config: Config, paper: Paper, who: RunIdentity) -> list[Path]:
    """What a run reads of the run that it is based on; nothing where there is none."""
    base = base_of(paper, who)
    if base is None:
        return []
    method = paper.run(who.system, who.variant).training.method
    asked = [run_files.PSEUDO_LABELS] if isinstance(method, Retraining) else []
    return [base.folder(config) / name for name in (run_files.CONFIG, run_files.WEIGHTS, *asked)]


def needs_strong_labels(paper: Paper, who: RunIdentity) -> bool:
    """Whether a run is trained on strong labels."""
    return isinstance(paper.run(who.system, who.variant).training.method, MeanTeacher | Guided)


def stores_frames(config: Config, paper: Paper) -> bool:
    """Whether the runs of a paper store frame scores: as configured, or because scoring needs them."""
    return config.frame_scores or paper.settings.needs_frames


def store_folder(config: Config, paper: Paper, corpus: str) -> Path:
    """The feature store of a corpus of a paper."""
    return config.work_dir / config.scale / paper.name / "features" / corpus


def corpus_folder(config: Config, paper: Paper, corpus: str) -> Path:
    """The recipe, clips and labels tables of a corpus of a paper."""
    return config.work_dir / config.scale / paper.name / "corpora" / corpus


def survey_folder(config: Config, data_set: str) -> Path:
    """The survey of a data set."""
    return config.work_dir / config.scale / "surveys" / data_set


def build_network(paper: Paper, system: str, classes: int, seed: int, variant: str | None = None) -> Any:
    """The initialised network of a system, for the features of a corpus variant or else those of the paper.

    Raises:
        SettingsError: an argument is unknown to the network, or impossible.
    """
    import torch

    run = paper.run(system, variant)
    module = importlib.import_module(f"sedrepro.papers.{paper.name}.network")
    torch.manual_seed(seed)
    try:
        return module.build(
            run.network, run.arguments, run.loss_weights, classes, run.front_end.n_frames, run.front_end.n_mels
        )
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(f"{paper.name}: system '{system}': network '{run.network}': {problem}") from error


def train(paper: Paper, who: RunIdentity, config: Config, threads: int, log: Callable[[str], None] = print) -> Path:
    """Train a run, score its held-out clips, and write its folder; returns the folder."""
    from sedrepro.training.device import leased_device
    from sedrepro.training.methods import TRAINERS
    from sedrepro.training.seeds import RunSeeds

    started = time.monotonic()
    run, seeds = paper.run(who.system, who.variant), RunSeeds(who.fold, who.seed)
    _set_up_torch(config, threads)
    store = _open_store(config, paper, who)
    base = _read_base(config, paper, who)
    described = describe(paper, who, config, store.facts)
    resume = who.resume_file(config)
    with leased_device(config.device, run.training.gpu_memory_mib) as device:
        data = _load_data(config, paper, who, store, seeds, device)

        def initialised(use: str) -> Any:
            return build_network(paper, who.system, len(store.facts.classes), seeds.number(use), who.variant)

        network = initialised("weights")
        identity = _identity(described, paper, base_files(config, paper, who))
        trainer = TRAINERS[run.training.method.kind](
            network, run, seeds, device, config.mixed_precision, resume, identity
        )
        trainer.prepare(data, base, lambda: initialised("teacher"))
        progress = trainer.fit(data.train, data.validation, log)
        scored = trainer.scores(data.held_out, stores_frames(config, paper))
        described |= {
            "best_epoch": progress.best_epoch,
            "train_clips": len(data.train),
            "selection_clips": len(data.validation),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        scores = {
            "targets": data.held_out.targets.cpu().numpy().astype(np.uint8),
            "filenames": np.array(data.held_out.filenames),
            "splits": store.splits[data.held_out_rows],
            "durations": store.durations[data.held_out_rows],
            "frames_per_second": np.array(run.front_end.frames_per_second / network.time_reduction),
            "mean": data.mean,
            "deviation": data.deviation,
        } | _arrays(scored)
        folder = who.folder(config)
        run_files.write_weights(folder, progress.best_weights)
        run_files.write_environment(folder, device, threads, time.monotonic() - started)
    run_files.write_scores(folder, scores)
    run_files.write_history(folder, progress.history)
    write_json(folder / run_files.CONFIG, described)
    for path in (resume, *resume.parent.glob(f".{resume.name}.*")):  # with what a kill while saving left
        path.unlink(missing_ok=True)
    return folder


def write_pseudo_labels(paper: Paper, who: RunIdentity, config: Config, threads: int) -> Path:
    """Write what a trained run says of the training clips without strong labels; returns the file's path.

    Arrays: filenames (clip,), clip (clip, class), frame and, where the network tells it, confidence (clip, frame,
    class), both float16.
    """
    from sedrepro.training.data import Clips, standardised
    from sedrepro.training.device import leased_device
    from sedrepro.training.loop import Trainer
    from sedrepro.training.seeds import RunSeeds

    run, folder = paper.run(who.system, who.variant), who.folder(config)
    _set_up_torch(config, threads)
    store, scores = _open_store(config, paper, who), run_files.read_scores(folder)
    parts = _parts(paper, who, store)
    rows = np.flatnonzero(parts.weak | parts.unlabelled)
    network = build_network(paper, who.system, len(store.facts.classes), 0, who.variant)
    run_files.load_weights(network, folder)
    asked: list[dict[str, np.ndarray]] = []
    with leased_device(config.device, run.training.gpu_memory_mib) as device:
        trainer = Trainer(network, run, RunSeeds(who.fold, who.seed), device, config.mixed_precision)
        for start in range(0, len(rows), ASKED_AT_ONCE):
            some, values = rows[start : start + ASKED_AT_ONCE], store.array(who.variant)
            features = standardised(values, some, scores["mean"], scores["deviation"], device)
            clips = Clips(features, features.new_empty(0), tuple(store.filenames[row] for row in some))
            asked.append({"filenames": np.array(clips.filenames)} | _arrays(trainer.scores(clips, with_frames=True)))
    arrays = {name: np.concatenate([each[name] for each in asked]) for name in asked[0]}
    return run_files.write_pseudo_labels(folder, arrays)


def _set_up_torch(config: Config, threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = config.tf32


def _open_store(config: Config, paper: Paper, who: RunIdentity) -> Any:
    from sedrepro.audio.store import FeatureStore

    corpus = paper.settings.corpus_of(who.variant)[0]
    return FeatureStore(store_folder(config, paper, corpus), paper.run(who.system, who.variant).front_end)


def _parts(paper: Paper, who: RunIdentity, store: Any) -> Parts:
    corpus = paper.settings.corpora[paper.settings.corpus_of(who.variant)[0]]
    return corpus.parts(store.splits, store.folds, who.fold)


def _load_data(config: Config, paper: Paper, who: RunIdentity, store: Any, seeds: Any, device: Any) -> Any:
    """The clips of a run, with strong labels where its method uses them."""
    from sedrepro.training.data import load_run_data

    training, parts, strong = paper.run(who.system, who.variant).training, _parts(paper, who, store), None
    if isinstance(training.method, Supervised):  # it would take unlabelled clips for clips without events
        parts = replace(parts, unlabelled=np.zeros_like(parts.unlabelled))
    if needs_strong_labels(paper, who):
        strong = read_strong(corpus_folder(config, paper, paper.settings.corpus_of(who.variant)[0]))
    return load_run_data(store, who.variant, parts, training, seeds, device, strong)


def _read_base(config: Config, paper: Paper, who: RunIdentity) -> Any:
    """What a run takes over from the run that it is based on, or None."""
    from sedrepro.training.loop import Base

    base = base_of(paper, who)
    if base is None:
        return None
    _require_base(who, base, base_files(config, paper, who))
    folder = base.folder(config)
    asked = folder / run_files.PSEUDO_LABELS in base_files(config, paper, who)
    return Base(run_files.read_weights(folder), run_files.read_pseudo_labels(folder) if asked else {})


def _require_base(who: RunIdentity, base: RunIdentity, files: Sequence[Path]) -> None:
    """Refuse a missing file, with the command that makes it."""
    for path in files:
        if not path.is_file():
            verb = "pseudo-labels" if path.name == run_files.PSEUDO_LABELS else "train"
            words = " ".join(f"--{word} {value}" for word, value in vars(base).items())
            raise DataError(f"{path}: no such file, but {who.system} needs it; first python -m sedrepro {verb} {words}")


def _arrays(scored: Any) -> dict[str, np.ndarray]:
    """The scores that there are."""
    return {name: array for name, array in vars(scored).items() if array is not None}


def describe(paper: Paper, who: RunIdentity, config: Config, facts: Any) -> dict[str, Any]:
    """Everything that decides a run's result."""
    return asdict(who) | {
        "scale": config.scale,
        "budget": paper.budget,
        "settings": paper.run(who.system, who.variant).model_dump(mode="json"),
        "corpus": paper.settings.corpora[paper.settings.corpus_of(who.variant)[0]].model_dump(mode="json"),
        "mixed_precision": config.mixed_precision,
        "tf32": config.tf32,
        "classes": list(facts.classes),
        "clips_expected": facts.clips_expected,
        "clips": facts.clips,
        "expected_by_split": facts.expected_by_split,
        "features_fingerprint": facts.fingerprint,
        "data": {name: part.model_dump() for name, part in facts.data.items()},
    }


def _identity(described: dict[str, Any], paper: Paper, base: Sequence[Path]) -> str:
    """What a half-trained run depends on: after a change its resume state is of no use."""
    parts = [json.dumps(described, sort_keys=True).encode(), _training_code(paper), *(p.read_bytes() for p in base)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _training_code(paper: Paper) -> bytes:
    """The code that training depends on."""
    package = Path(__file__).parents[1]
    files = [*package.glob("nn/*.py"), *package.glob("training/*.py"), paper.folder / "network.py"]
    return b"".join(path.read_bytes() for path in sorted(files))
