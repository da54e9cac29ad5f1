"""From a paper's corpus settings to tables, features and audio on disk."""

from pathlib import Path

from sedrepro.audio.store import StoreFacts, write_store
from sedrepro.clips import Coverage, join_labels
from sedrepro.config import Config
from sedrepro.corpora.mixing import Mixer, feature_blocks, fingerprint, render
from sedrepro.corpora.remix import EVENT_SECONDS, ONSETS, Mixture, Remix, draw, read_events, read_recipes, write_recipes
from sedrepro.corpora.survey import CLIP_COLUMNS, read_survey_facts
from sedrepro.data_sets import trait
from sedrepro.errors import SettingsError, did_you_mean
from sedrepro.files import read_table
from sedrepro.runs import corpus_folder, store_folder, survey_folder
from sedrepro.settings import Paper
from sedrepro.training.device import leased_device

EXTRACTION_MIB = 2000


def corpus_settings(paper: Paper, corpus: str) -> Remix:
    """Settings of one corpus of a paper.

    Raises:
        SettingsError: the paper has no such corpus (names the nearest).
    """
    if corpus not in paper.settings.corpora:
        raise SettingsError(
            f"{paper.name}: corpus '{corpus}' is unknown; {did_you_mean(corpus, paper.settings.corpora)}"
        )
    return paper.settings.corpora[corpus]


def prepare_remix(config: Config, paper: Paper, corpus: str) -> int:
    """Draw a remix corpus from the surveys of its data sets and write its tables; returns the mixtures' number.

    Raises:
        SettingsError: the corpus is unknown, or its events do not fit into the front end's clips.
        DataError: a survey is missing or holds too little.
    """
    settings, clip_seconds = corpus_settings(paper, corpus), paper.settings.front_end.clip_seconds
    if clip_seconds < (last := ONSETS[-1] + EVENT_SECONDS):
        raise SettingsError(
            f"{paper.name}: front_end.clip_seconds = {clip_seconds}: the remix places events up to {last} s"
        )
    events = read_events(survey_folder(config, settings.events), paper.settings.classes)
    scenes = read_table(survey_folder(config, settings.scenes) / "clips.tsv", CLIP_COLUMNS)
    mixtures = draw(events, scenes, settings, trait(settings.events, "FOLDS"))
    write_recipes(corpus_folder(config, paper, corpus), mixtures, clip_seconds)
    return len(mixtures)


def extract_features(config: Config, paper: Paper, corpus: str, threads: int) -> Path:
    """Extract the features of every variant of a corpus into one store; returns its folder."""
    settings, front_end = corpus_settings(paper, corpus), paper.settings.front_end
    mixtures = read_recipes(corpus_folder(config, paper, corpus) / "recipes.tsv")
    present = {event.event_label for mixture in mixtures for event in mixture.events}
    facts = StoreFacts(
        front_end=front_end,
        classes=tuple(c for c in paper.settings.classes if c in present),
        variants=tuple(settings.variants(corpus)),
        clips=len(mixtures),
        clips_expected=trait(settings.events, "FOLDS") * settings.mixtures_per_fold,
        fingerprint=fingerprint(mixtures, settings),
        data={name: coverage_of(config, name) for name in settings.data_sets},
    )
    folder = store_folder(config, paper, corpus)
    mixer = Mixer(config.corpora_dir, front_end, settings.level)
    with leased_device(config.device, EXTRACTION_MIB) as device:
        blocks = feature_blocks(mixtures, mixer, corpus, settings, front_end, str(device), threads)
        write_store(folder, facts, [_index_row(m, front_end.clip_seconds) for m in mixtures], blocks)
    return folder


def coverage_of(config: Config, data_set: str) -> Coverage:
    """How much of a data set is there, from its survey."""
    facts = read_survey_facts(survey_folder(config, data_set))
    return Coverage(expected=facts.expected, usable=facts.usable, fingerprint=facts.fingerprint)


def _index_row(mixture: Mixture, clip_seconds: float) -> tuple:
    labels = join_labels(sorted({event.event_label for event in mixture.events}))
    group = "+".join(sorted(Path(event.filename).stem for event in mixture.events))
    return mixture.filename, "development", mixture.fold, clip_seconds, labels, group


def render_audio(config: Config, paper: Paper, variant: str, threads: int, clips: int | None) -> Path:
    """Write the mixtures (or the first `clips`) of a corpus variant as WAV files; returns their folder."""
    corpus, snr_db = paper.settings.corpus_of(variant)
    mixtures = read_recipes(corpus_folder(config, paper, corpus) / "recipes.tsv")[:clips]
    folder = config.work_dir / config.scale / paper.name / "audio" / variant
    mixer = Mixer(config.corpora_dir, paper.settings.front_end, corpus_settings(paper, corpus).level)
    render(folder, mixtures, mixer, snr_db, threads)
    return folder
