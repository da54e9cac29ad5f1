"""Extract the log-mel features of a corpus; a remix is mixed on the fly."""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sedrepro.annotations.clips import split_labels
from sedrepro.audio.extraction import features_of_files
from sedrepro.audio.store import INDEX_COLUMNS, StoreFacts, write_store
from sedrepro.base.files import read_table
from sedrepro.base.memory import keep_freed_memory
from sedrepro.corpora.mixing import Mixer, feature_blocks, fingerprint
from sedrepro.corpora.remix import read_recipes
from sedrepro.corpora.settings import SPLIT, Official
from sedrepro.corpora.survey import CLIP_COLUMNS, REJECTED_COLUMNS, read_coverage
from sedrepro.corpora.tables import read_clips
from sedrepro.data_sets import trait
from sedrepro.experiments.places import corpus_folder, recipe_file, store_folder, survey_folder
from sedrepro.steps.request import Request
from sedrepro.training.device import leased_device

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


EXTRACTION_MIB = 2000


def extract_features(config: Config, paper: Paper, corpus: str, threads: int) -> Path:
    """Extract the features of every variant of a corpus into one store; returns its folder."""
    settings, front_end = paper.corpus(corpus), paper.settings.front_end_of(corpus)
    clips = read_clips(corpus_folder(config, paper, corpus))
    present = {label for row in clips for label in split_labels(row["event_labels"])}
    with leased_device(config.device, lambda gpu: EXTRACTION_MIB) as device:
        expected, mark, blocks = _extraction(config, paper, corpus, clips, str(device), threads)
        facts = StoreFacts(
            front_end=front_end,
            classes=tuple(c for c in paper.settings.classes_of(corpus) if c in present),
            variants=tuple(settings.variants(corpus)),
            clips=len(clips),
            clips_expected=sum(count for split, count in expected.items() if split not in settings.subsets),
            expected_by_split=expected if isinstance(settings, Official) else {},
            fingerprint=mark,
            data={name: read_coverage(survey_folder(config, name)) for name in settings.data_sets},
        )
        folder = store_folder(config, paper, corpus)
        write_store(folder, facts, [tuple(row[column] for column in INDEX_COLUMNS) for row in clips], blocks)
    return folder


def _extraction(
    config: Config, paper: Paper, corpus: str, clips: Sequence[dict[str, str]], device: str, threads: int
) -> tuple[dict[str, int], str, Iterator[dict[str, np.ndarray]]]:
    """How many clips there should be by split, a fingerprint of their sources, and blocks of features by variant."""
    settings, front_end = paper.corpus(corpus), paper.settings.front_end_of(corpus)
    if isinstance(settings, Official):
        sources = "\n".join("\t".join(map(str, row.values())) for row in clips)
        paths = [config.corpora_dir / row["filename"] for row in clips]
        features = features_of_files(paths, front_end, threads, device)
        found = ({corpus: clip[None].astype(np.float16)} for clip in features)
        return _listed(config, settings), hashlib.sha256(sources.encode()).hexdigest(), found
    mixtures = read_recipes(recipe_file(config, paper, corpus))
    mixer = Mixer(config.corpora_dir, front_end, settings.level)
    blocks = feature_blocks(mixtures, mixer, corpus, settings, front_end, device, threads)
    count = trait(settings.events, "FOLDS") * settings.mixtures_per_fold
    return {SPLIT: count}, fingerprint(mixtures, settings), blocks


def _listed(config: Config, settings: Official) -> dict[str, int]:
    """How many clips the official tables list in each split and subset of a corpus, usable or not."""
    survey = survey_folder(config, settings.data_set)
    tables = ((survey / "clips.tsv", CLIP_COLUMNS), (survey / "rejected.tsv", REJECTED_COLUMNS))
    counts = Counter(row["split"] for path, columns in tables for row in read_table(path, columns))
    subsets = {
        name: read_coverage(survey_folder(config, subset.data_set)).expected
        for name, subset in settings.subsets.items()
    }
    return {split: counts[split] for split in settings.splits} | subsets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_corpus, add_threads

    add_corpus(parser)
    add_threads(parser)


def run(request: Request) -> None:
    """Extract the features of the corpus of the options."""
    keep_freed_memory()
    print(extract_features(request.config, request.paper, request.options.corpus, request.options.threads))
