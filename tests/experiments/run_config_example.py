"""config.json as training writes it, for tests that need no training."""

from dataclasses import asdict

from sedrepro.annotations.clips import Coverage
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_config import RunConfig
from sedrepro.experiments.runs import RunIdentity


def run_config(config: Config, run: RunIdentity, **changes) -> RunConfig:
    """What training a run of a paper would write today, with three classes or those of `changes`."""
    paper = load_paper(run.paper, config)
    corpus = paper.settings.corpus_of(run.variant)[0]
    written = {
        "scale": config.scale,
        "budget": paper.budget,
        "settings": paper.run(run.system, run.variant).model_dump(mode="json"),
        "corpus": paper.settings.corpora[corpus].model_dump(mode="json"),
        "mixed_precision": config.mixed_precision,
        "tf32": config.tf32,
        "classes": list(paper.settings.classes_of(corpus)[:3]),
        "clips_expected": 41,
        "clips": 40,
        "features_fingerprint": "e" * 64,
        "data": {"dcase2017_task4": Coverage(expected=41, usable=40, fingerprint="f" * 64)},
        "parameters": 7,
    }
    return RunConfig(**asdict(run) | written | changes)
