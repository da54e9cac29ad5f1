"""Train one run and score its held-out clips; resumes where a killed job stopped."""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedrepro.base.code import code_digest
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.locks import only_worker
from sedrepro.base.memory import keep_freed_memory
from sedrepro.detection.frames import segment_frames
from sedrepro.experiments import run_files
from sedrepro.experiments.environment import write_environment
from sedrepro.experiments.networks import build_network, training_code
from sedrepro.experiments.places import work_folder
from sedrepro.experiments.reservation import memory_need, note_held, require_a_gpu_at_full
from sedrepro.experiments.run_config import OUTCOMES, RunConfig, read_run_config, write_run_config
from sedrepro.experiments.run_data import load_data, open_store, score_arrays
from sedrepro.experiments.runs import RunIdentity, base_files, base_of, stores_frames
from sedrepro.experiments.scales import REHEARSAL
from sedrepro.steps.request import Request, say
from sedrepro.training.device import leased_device, set_up_torch
from sedrepro.training.loop import Base
from sedrepro.training.methods import trainer_class
from sedrepro.training.rehearsal import random_scores, rehearsed
from sedrepro.training.seeds import RunSeeds

if TYPE_CHECKING:
    from sedrepro.audio.store import StoreFacts
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def train(paper: Paper, who: RunIdentity, config: Config, threads: int, log: Callable[[str], None] = print) -> Path:
    """Train a run, score its held-out clips, and write its folder; returns the folder.

    Raises:
        DataError: another process trains this run.
        SettingsError: the scale is full, and there is no GPU.
    """
    require_a_gpu_at_full(config)
    paper.run(who.system, who.variant)  # a name that is unknown is refused before anything is written
    with only_worker(who.resume_file(config).with_suffix(".lock"), "this run is being trained"):
        return _train(paper, who, config, threads, log)


def _train(paper: Paper, who: RunIdentity, config: Config, threads: int, log: Callable[[str], None]) -> Path:
    started = time.monotonic()
    run, seeds = paper.run(who.system, who.variant), RunSeeds(who.fold, who.seed)
    set_up_torch(threads, config.tf32)
    store = open_store(config, paper, who)
    base = _read_base(config, paper, who)
    described = describe(paper, who, config, store.facts)
    resume = who.resume_file(config)
    loaded = load_data(config, paper, who, store, seeds, threads)  # before a device is held
    with leased_device(config.device, memory_need(config, paper, who)) as device:
        data = loaded.to(device)
        del loaded

        def initialised(use: str) -> Any:
            return build_network(paper, who.system, len(store.facts.classes), seeds.number(use), who.variant)

        network = initialised("weights")
        identity = _identity(described, training_code(paper, who), base_files(config, paper, who))
        trainer = trainer_class(run.training.method.kind)(
            network, run, seeds, device, config.mixed_precision, resume, identity
        )
        trainer.prepare(data, base, lambda: initialised("teacher"))
        if is_rehearsal := config.scale == REHEARSAL:
            progress = rehearsed(trainer, data.train, work_folder(config) / "steps.lock", log)
        else:
            progress = trainer.fit(data.train, data.validation, log)
        frames_per_second = run.front_end.frames_per_second / network.time_reduction
        frames, seconds = run.front_end.n_frames // network.time_reduction, described["segment_seconds"]
        segments = segment_frames(frames, frames_per_second, seconds) if seconds else ()
        score = functools.partial(random_scores, trainer) if is_rehearsal else trainer.scores
        scored = score(data.held_out, stores_frames(config, paper), segments)
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
            "frames_per_second": np.array(frames_per_second),
            "mean": data.mean,
            "deviation": data.deviation,
        } | score_arrays(scored)
        folder = who.folder(config)
        run_files.write_weights(folder, progress.best_weights)
        write_environment(folder, device, threads, time.monotonic() - started)
        note_held(config, paper, who, device, data.resident_bytes)
    run_files.write_scores(folder, scores)
    run_files.write_history(folder, progress.history)
    write_run_config(folder, RunConfig.model_validate(described))
    for path in (resume, *resume.parent.glob(f".{resume.name}.*")):  # with what a kill while saving left
        path.unlink(missing_ok=True)
    return folder


def is_trained(paper: Paper, who: RunIdentity, config: Config) -> bool:
    """Whether a run is whole and was trained with the settings and the features of today."""
    folder = who.folder(config)
    if not all((folder / name).is_file() for name in run_files.RUN_FILES):
        return False
    today = RunConfig.model_validate(describe(paper, who, config, open_store(config, paper, who).facts))
    try:
        stored = read_run_config(folder)
    except DataError:
        return False
    return all(getattr(stored, key) == getattr(today, key) for key in RunConfig.model_fields if key not in OUTCOMES)


def _read_base(config: Config, paper: Paper, who: RunIdentity) -> Base | None:
    """What a run takes over from the run that it is based on, or None."""
    base = base_of(paper, who)
    if base is None:
        return None
    files = base_files(config, paper, who)
    _require_base(who, base, files)
    folder = base.folder(config)
    asked = folder / run_files.PSEUDO_LABELS in files
    return Base(run_files.read_weights(folder), run_files.read_pseudo_labels(folder) if asked else {})


def _require_base(who: RunIdentity, base: RunIdentity, files: Sequence[Path]) -> None:
    """Refuse a missing file, with the command that makes it."""
    for path in files:
        if not path.is_file():
            verb = "pseudo-labels" if path.name == run_files.PSEUDO_LABELS else "train"
            words = " ".join(f"--{word} {value}" for word, value in vars(base).items())
            raise DataError(f"{path}: no such file, but {who.system} needs it; first python -m sedrepro {verb} {words}")


def describe(paper: Paper, who: RunIdentity, config: Config, facts: StoreFacts) -> dict[str, Any]:
    """Everything that decides a run's result."""
    return asdict(who) | {
        "scale": config.scale,
        "budget": paper.budget,
        "settings": paper.run(who.system, who.variant).model_dump(mode="json"),
        "corpus": paper.settings.corpora[paper.settings.corpus_of(who.variant)[0]].model_dump(mode="json"),
        "segment_seconds": paper.settings.pooled_segments(paper.settings.corpus_of(who.variant)[0]),
        "mixed_precision": config.mixed_precision,
        "tf32": config.tf32,
        "classes": list(facts.classes),
        "clips_expected": facts.clips_expected,
        "clips": facts.clips,
        "expected_by_split": facts.expected_by_split,
        "features_fingerprint": facts.fingerprint,
        "data": {name: part.model_dump() for name, part in facts.data.items()},
    }


def _identity(described: dict[str, Any], code: Sequence[str], base: Sequence[Path]) -> str:
    """What a half-trained run depends on: after a change its resume state is of no use."""
    parts = [json.dumps(described, sort_keys=True).encode(), code_digest(code).encode()]
    return hashlib.sha256(b"".join([*parts, *(path.read_bytes() for path in base)])).hexdigest()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_run, add_threads

    add_run(parser)
    add_threads(parser)
    parser.add_argument("--again", action="store_true", help="train even if the run is already up to date")


def run(request: Request) -> None:
    """Train the run of the options.

    Raises:
        SettingsError: it is trained with these very settings, and is not to be trained again.
    """
    keep_freed_memory()
    paper, who, config = request.paper, request.run, request.config
    for line in paper.overruled:
        say(f"note: {line}")
    if not request.options.again and is_trained(paper, who, config):
        raise SettingsError(f"{who.folder(config)}: is already trained with these settings; train --again repeats it")
    print(train(paper, who, config, request.options.threads, say))
