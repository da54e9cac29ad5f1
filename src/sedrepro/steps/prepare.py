"""From a paper's corpus settings to tables, features and audio on disk."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sedrepro.annotations.clips import Coverage, split_labels
from sedrepro.audio.extraction import features_of_files
from sedrepro.audio.store import INDEX_COLUMNS, StoreFacts, write_store
from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.files import read_table
from sedrepro.corpora.mixing import Mixer, feature_blocks, fingerprint, render
from sedrepro.corpora.official import Official, write_official_tables
from sedrepro.corpora.remix import (
    EVENT_SECONDS,
    ONSETS,
    SPLIT,
    Remix,
    draw,
    read_events,
    read_recipes,
    write_recipes,
    write_remix_tables,
)
from sedrepro.corpora.survey import CLIP_COLUMNS, REJECTED_COLUMNS, read_survey_facts
from sedrepro.corpora.tables import read_clips
from sedrepro.data_sets import data_set, trait
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.runs import corpus_folder, store_folder, survey_folder
from sedrepro.experiments.settings import Corpus, Paper
from sedrepro.training.device import leased_device

EXTRACTION_MIB = 2000


def corpus_settings(paper: Paper, corpus: str) -> Corpus:
    """Settings of one corpus of a paper.

    Raises:
        SettingsError: the paper has no such corpus (names the nearest).
    """
    if corpus not in paper.settings.corpora:
        raise SettingsError(
            f"{paper.name}: corpus '{corpus}' is unknown; {did_you_mean(corpus, paper.settings.corpora)}"
        )
    return paper.settings.corpora[corpus]


def remix_settings(paper: Paper, corpus: str) -> Remix:
    """Settings of one remix corpus of a paper.

    Raises:
        SettingsError: the paper has no such corpus, or it is no remix.
    """
    settings = corpus_settings(paper, corpus)
    if not isinstance(settings, Remix):
        raise SettingsError(f"{paper.name}: corpus '{corpus}' is not a remix, there is nothing to mix")
    return settings


def prepare_recipes(config: Config, paper: Paper, corpus: str) -> int:
    """Draw the recipe of a remix corpus from the surveys of its data sets; returns the mixtures' number.

    Raises:
        SettingsError: the corpus is unknown, or its events do not fit into the front end's clips.
        DataError: a survey is missing or holds too little.
    """
    settings = remix_settings(paper, corpus)
    clip_seconds = paper.settings.front_end_of(corpus).clip_seconds
    if clip_seconds < (last := ONSETS[-1] + EVENT_SECONDS):
        raise SettingsError(
            f"{paper.name}: front_end.clip_seconds = {clip_seconds}: the remix places events up to {last} s"
        )
    events = read_events(survey_folder(config, settings.events), paper.settings.classes_of(corpus))
    scenes = read_table(survey_folder(config, settings.scenes) / "clips.tsv", CLIP_COLUMNS)
    mixtures = draw(events, scenes, settings, trait(settings.events, "FOLDS"))
    write_recipes(_recipe_file(config, paper, corpus), mixtures)
    return len(mixtures)


def prepare_tables(config: Config, paper: Paper, corpus: str) -> int:
    """Write the clips and labels tables of a corpus; returns the clips' number."""
    settings, folder = corpus_settings(paper, corpus), corpus_folder(config, paper, corpus)
    if isinstance(settings, Official):
        _check_names(paper, corpus, settings)
        subsets = {name: _usable(config, subset.data_set) for name, subset in settings.subsets.items()}
        survey, classes = survey_folder(config, settings.data_set), paper.settings.classes_of(corpus)
        write_official_tables(folder, survey, settings, classes, subsets)
    else:
        mixtures = read_recipes(_recipe_file(config, paper, corpus))
        write_remix_tables(folder, mixtures, paper.settings.front_end_of(corpus).clip_seconds)
    return len(read_clips(folder))


def _usable(config: Config, data_set: str) -> list[str]:
    """Usable clips of a data set."""
    return [row["filename"] for row in read_table(survey_folder(config, data_set) / "clips.tsv", CLIP_COLUMNS)]


def _check_names(paper: Paper, corpus: str, settings: Official) -> None:
    """Refuse unknown data sets and splits."""
    known = data_set(settings.data_set).SPLITS
    for subset in settings.subsets.values():
        data_set(subset.data_set)
    for split in settings.splits:
        if split not in known:
            raise SettingsError(
                f"{paper.name}: corpora.{corpus}: unknown split '{split}'; {did_you_mean(split, known)}"
            )


def _recipe_file(config: Config, paper: Paper, corpus: str) -> Path:
    return corpus_folder(config, paper, corpus) / "recipes.tsv"


def extract_features(config: Config, paper: Paper, corpus: str, threads: int) -> Path:
    """Extract the features of every variant of a corpus into one store; returns its folder."""
    settings, front_end = corpus_settings(paper, corpus), paper.settings.front_end_of(corpus)
    clips = read_clips(corpus_folder(config, paper, corpus))
    present = {label for row in clips for label in split_labels(row["event_labels"])}
    with leased_device(config.device, EXTRACTION_MIB) as device:
        expected, mark, blocks = _extraction(config, paper, corpus, clips, str(device), threads)
        facts = StoreFacts(
            front_end=front_end,
            classes=tuple(c for c in paper.settings.classes_of(corpus) if c in present),
            variants=tuple(settings.variants(corpus)),
            clips=len(clips),
            clips_expected=sum(count for split, count in expected.items() if split not in settings.subsets),
            expected_by_split=expected if isinstance(settings, Official) else {},
            fingerprint=mark,
            data={name: coverage_of(config, name) for name in settings.data_sets},
        )
        folder = store_folder(config, paper, corpus)
        write_store(folder, facts, [tuple(row[column] for column in INDEX_COLUMNS) for row in clips], blocks)
    return folder


def _extraction(
    config: Config, paper: Paper, corpus: str, clips: Sequence[dict[str, str]], device: str, threads: int
) -> tuple[dict[str, int], str, Iterator[dict[str, np.ndarray]]]:
    """How many clips there should be by split, a fingerprint of their sources, and blocks of features by variant."""
    settings, front_end = corpus_settings(paper, corpus), paper.settings.front_end_of(corpus)
    if isinstance(settings, Official):
        sources = "\n".join("\t".join(map(str, row.values())) for row in clips)
        paths = [config.corpora_dir / row["filename"] for row in clips]
        features = features_of_files(paths, front_end, threads, device)
        blocks = ({corpus: clip[None].astype(np.float16)} for clip in features)
        return _listed(config, settings), hashlib.sha256(sources.encode()).hexdigest(), blocks
    mixtures = read_recipes(_recipe_file(config, paper, corpus))
    mixer = Mixer(config.corpora_dir, front_end, settings.level)
    blocks = feature_blocks(mixtures, mixer, corpus, settings, front_end, device, threads)
    count = trait(settings.events, "FOLDS") * settings.mixtures_per_fold
    return {SPLIT: count}, fingerprint(mixtures, settings), blocks


def _listed(config: Config, settings: Official) -> dict[str, int]:
    """How many clips the official tables list in each split and subset of a corpus, usable or not."""
    survey = survey_folder(config, settings.data_set)
    tables = ((survey / "clips.tsv", CLIP_COLUMNS), (survey / "rejected.tsv", REJECTED_COLUMNS))
    counts = Counter(row["split"] for path, columns in tables for row in read_table(path, columns))
    subsets = {name: coverage_of(config, subset.data_set).expected for name, subset in settings.subsets.items()}
    return {split: counts[split] for split in settings.splits} | subsets


def coverage_of(config: Config, data_set: str) -> Coverage:
    """How much of a data set is there, from its survey."""
    facts = read_survey_facts(survey_folder(config, data_set))
    return Coverage(expected=facts.expected, usable=facts.usable, fingerprint=facts.fingerprint)


def render_audio(config: Config, paper: Paper, variant: str, threads: int, clips: int | None) -> Path:
    """Write the mixtures (or the first `clips`) of a corpus variant as WAV files; returns their folder."""
    corpus, snr_db = paper.settings.corpus_of(variant)
    settings = remix_settings(paper, corpus)
    mixtures = read_recipes(_recipe_file(config, paper, corpus))[:clips]
    folder = config.work_dir / config.scale / paper.name / "audio" / variant
    mixer = Mixer(config.corpora_dir, paper.settings.front_end_of(corpus), settings.level)
    render(folder, mixtures, mixer, snr_db, threads)
    return folder
