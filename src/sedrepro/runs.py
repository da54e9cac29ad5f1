"""One run, from a feature store to its folder of results: train, score, look inside.

A run is (paper, system, corpus variant, fold, seed). Its folder holds config.json, history.csv,
weights.safetensors, scores.npz, environment.json and, once scored, metrics.json.
"""

import csv
import hashlib
import importlib
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro import __version__
from sedrepro.config import Config
from sedrepro.errors import DataError, SettingsError
from sedrepro.files import atomic_path, write_json
from sedrepro.settings import Paper

RUN_FILES = ("config.json", "history.csv", "weights.safetensors", "scores.npz", "environment.json")


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


def build_network(paper: Paper, system: str, classes: int, seed: int) -> Any:
    """The initialised network of a system.

    Raises:
        SettingsError: an argument is unknown to the network, or impossible.
    """
    import torch

    run = paper.run(system)
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
    import torch

    from sedrepro.audio.store import FeatureStore
    from sedrepro.training.data import load_run_data
    from sedrepro.training.device import leased_device
    from sedrepro.training.seeds import RunSeeds
    from sedrepro.training.supervised import Trainer

    started = time.monotonic()
    run, seeds = paper.run(who.system, who.variant), RunSeeds(who.fold, who.seed)
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = config.tf32
    corpus = paper.settings.corpus_of(who.variant)[0]
    store = FeatureStore(store_folder(config, paper, corpus), run.front_end)
    parts = paper.settings.corpora[corpus].parts(store.splits, store.folds, who.fold)
    described = describe(paper, who, config, store.facts)
    resume = who.resume_file(config)
    with leased_device(config.device, run.training.gpu_memory_mib) as device:
        data = load_run_data(store, who.variant, parts, run.training, seeds, device)
        network = build_network(paper, who.system, len(store.facts.classes), seeds.number("weights"))
        identity = hashlib.sha256(json.dumps(described, sort_keys=True).encode() + _training_code(paper)).hexdigest()
        trainer = Trainer(network, run, seeds, device, config.mixed_precision, resume, identity)
        progress = trainer.fit(data.train, data.validation, log)
        clip, frame = trainer.scores(data.held_out, stores_frames(config, paper))
        described |= {
            "best_epoch": progress.best_epoch,
            "train_clips": len(data.train),
            "selection_clips": len(data.validation),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
        scores = {
            "clip": clip,
            "targets": data.held_out.targets.cpu().numpy().astype(np.uint8),
            "filenames": np.array(data.held_out.filenames),
            "splits": store.splits[data.held_out_rows],
            "durations": store.durations[data.held_out_rows],
            "frames_per_second": np.array(run.front_end.frames_per_second / network.time_reduction),
            "mean": data.mean,
            "deviation": data.deviation,
        } | ({} if frame is None else {"frame": frame})
        folder = who.folder(config)
        _write_weights(folder / "weights.safetensors", progress.best_weights)
        write_json(folder / "environment.json", environment(device, threads, time.monotonic() - started))
    with atomic_path(folder / "scores.npz") as temporary:
        np.savez_compressed(temporary, **scores)
    _write_history(folder / "history.csv", progress.history)
    write_json(folder / "config.json", described)
    for path in (resume, *resume.parent.glob(f".{resume.name}.*")):  # with what a kill while saving left
        path.unlink(missing_ok=True)
    return folder


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


def _training_code(paper: Paper) -> bytes:
    """The code that a half-trained run depends on: after an edit its resume state is of no use."""
    package = Path(__file__).parent
    files = [*package.glob("nn/*.py"), *package.glob("training/*.py"), paper.folder / "network.py"]
    return b"".join(path.read_bytes() for path in sorted(files))


def _write_weights(path: Path, weights: dict) -> None:
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, temporary)


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.8g}" for key, value in row.items()} for row in history)


def environment(device: Any, threads: int, seconds: float) -> dict[str, Any]:
    """What the run was made with and what it cost; memory in MiB."""
    import torch

    cuda = device.type == "cuda"
    return {
        "sedrepro": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if cuda else _processor(),
        "threads": threads,
        "seconds": round(seconds, 3),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        // (1024 if sys.platform == "linux" else 2**20),
        "peak_gpu_memory_mib": torch.cuda.max_memory_allocated(device) // 2**20 if cuda else None,
    }


def _processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str | None:
    """Commit of the checkout that the code runs from, with a mark where files differ; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def read_scores(folder: Path) -> dict[str, np.ndarray]:
    """The arrays in a run's scores.npz.

    Raises:
        DataError: the file is missing or damaged (names it).
    """
    path = folder / "scores.npz"
    try:
        with np.load(path) as file:
            return dict(file)
    except Exception as error:
        raise DataError(f"{path}: cannot be read ({error}); train this run again") from error
