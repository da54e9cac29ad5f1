"""The miniature corpora: official layouts, equal seeds give equal bytes."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.miniature import remix_sources
from sedrepro.miniature.remix_sources import CLASSES, RARE_CLASS, SCENES, MiniatureSize, write_remix_sources

SIZE = MiniatureSize(clips_per_class=10, rare_class_clips=4, segments_per_scene=3)
TINY = MiniatureSize(clips_per_class=1, rare_class_clips=1, segments_per_scene=1)
AUDIO = "FSDKaggle2018/FSDKaggle2018.audio_train"
EVENT_TABLE = "FSDKaggle2018/FSDKaggle2018.meta/train_post_competition.csv"
SCENES_FOLDER = "TAU-urban-acoustic-scenes-2019-development"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("miniature")
    write_remix_sources(root, seed=3, size=SIZE)
    return root


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[dict[str, str]]:
    with open(corpus / EVENT_TABLE, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def recordings(corpus: Path, rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    return {row["fname"]: soundfile.read(corpus / AUDIO / row["fname"])[0] for row in rows}


def test_event_table_has_the_official_columns_and_order(corpus: Path, rows: list[dict[str, str]]):
    header = (corpus / EVENT_TABLE).read_text(encoding="utf-8").splitlines()[0]
    assert header == "fname,label,manually_verified,freesound_id,license"
    names = [row["fname"] for row in rows]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"[0-9a-f]{8}\.wav", name) for name in names)
    assert {row["label"] for row in rows} == set(CLASSES)


def test_classes_hold_what_the_paper_names():
    assert len(CLASSES) == 10
    assert {"Bus", "Cowbell", "Gong", "Meow", "Telephone", "Cello"} <= set(CLASSES)
    assert RARE_CLASS in CLASSES


def test_scene_table_has_the_official_columns_and_names(corpus: Path):
    lines = (corpus / SCENES_FOLDER / "meta.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "filename\tscene_label\tidentifier\tsource_label"
    assert len(lines) == 1 + len(SCENES) * SIZE.segments_per_scene
    scene_of_location: dict[str, str] = {}
    for line in lines[1:]:
        filename, scene, identifier, source = line.split("\t")
        city, location = identifier.split("-")
        assert city in remix_sources.CITIES
        assert re.fullmatch(rf"audio/{scene}-{city}-{location}-\d+-a\.wav", filename)
        assert source == "a"
        assert scene_of_location.setdefault(identifier, scene) == scene
    cities_of_2018 = {"barcelona", "helsinki", "london", "paris", "stockholm", "vienna"}
    used = {identifier.split("-")[0] for identifier in scene_of_location}
    assert used & cities_of_2018
    assert used - cities_of_2018


def test_every_listed_file_exists_and_no_other(corpus: Path, rows: list[dict[str, str]]):
    assert {path.name for path in (corpus / AUDIO).iterdir()} == {row["fname"] for row in rows}
    lines = (corpus / SCENES_FOLDER / "meta.csv").read_text(encoding="utf-8").splitlines()[1:]
    listed = {line.split("\t")[0] for line in lines}
    assert {f"audio/{path.name}" for path in (corpus / SCENES_FOLDER / "audio").iterdir()} == listed
    assert {path.name for path in corpus.iterdir()} == {"FSDKaggle2018", SCENES_FOLDER}


def test_audio_formats(corpus: Path):
    for path in (corpus / AUDIO).iterdir():
        info = soundfile.info(path)
        assert (info.format, info.samplerate, info.channels, info.subtype) == ("WAV", 44100, 1, "PCM_16")
        assert 0.29 <= info.duration <= 8.0
    for path in (corpus / SCENES_FOLDER / "audio").iterdir():
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (48000, 2, "PCM_24", 480000)


def test_verified_and_unverified_counts(rows: list[dict[str, str]]):
    for label in CLASSES:
        verified = [row["manually_verified"] for row in rows if row["label"] == label]
        assert verified.count("1") == (SIZE.rare_class_clips if label == RARE_CLASS else SIZE.clips_per_class)
        assert verified.count("0") >= len(verified) / 5


def test_only_unverified_clips_are_mislabelled():
    clips = remix_sources.event_clips(seed=0, size=MiniatureSize())
    assert all(clip.sound == clip.label for clip in clips if clip.verified)
    unverified = [clip.sound != clip.label for clip in clips if not clip.verified]
    assert 0.2 < np.mean(unverified) < 0.6


def test_default_corpus_has_every_class_in_each_remix_fold():
    """Folds as the remix deals them: rows shuffled with RandomState(1234), then dealt in turn."""
    clips = remix_sources.event_clips(seed=0, size=MiniatureSize())
    order = np.arange(len(clips))
    np.random.RandomState(1234).shuffle(order)
    for fold in range(4):
        assert {clips[row].label for row in order[fold::4] if clips[row].verified} == set(CLASSES)


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not(tmp_path: Path, digests: Callable):
    for folder, seed in (("first", 0), ("again", 0), ("other", 1)):
        write_remix_sources(tmp_path / folder, seed, TINY)
    first, again, other = (digests(tmp_path / folder) for folder in ("first", "again", "other"))
    assert first == again
    assert not set(first.values()) & {digest for name, digest in other.items() if name.endswith(".wav")}


def test_a_clip_does_not_depend_on_the_size_of_the_corpus():
    small, large = (remix_sources.event_clips(0, size) for size in (SIZE, MiniatureSize()))
    keys = [
        {(clip.sound, clip.label, clip.verified, clip.seed.spawn_key) for clip in clips} for clips in (small, large)
    ]
    assert len(keys[1]) == len(large)
    assert keys[0] < keys[1]


def test_no_recording_is_silent_or_clipped(corpus: Path, recordings: dict[str, np.ndarray]):
    segments = [soundfile.read(path)[0] for path in (corpus / SCENES_FOLDER / "audio").iterdir()]
    for samples in [*recordings.values(), *segments]:
        assert np.isfinite(samples).all()
        assert 0.09 < np.abs(samples).max() < 0.995
        assert np.sqrt(np.mean(samples**2)) > 1e-3
        assert np.mean(np.abs(samples) > 0.999 * np.abs(samples).max()) < 0.01


def test_lengths_and_levels_vary(recordings: dict[str, np.ndarray]):
    seconds = np.array([len(samples) / 44100 for samples in recordings.values()])
    peaks = np.array([np.abs(samples).max() for samples in recordings.values()])
    assert 0.3 < np.mean(seconds < 2) < 0.8
    assert seconds.max() > 4
    assert peaks.min() < 0.2
    assert peaks.max() > 0.8


def test_impossible_settings_are_named(tmp_path: Path):
    with pytest.raises(SettingsError, match="segments_per_scene"):
        write_remix_sources(tmp_path, size=MiniatureSize(segments_per_scene=0))
    with pytest.raises(SettingsError, match="seed"):
        write_remix_sources(tmp_path, seed=-1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("failure", "shown"),
    [(soundfile.SoundFileRuntimeError("disk full"), DataError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_an_interrupted_write_leaves_no_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, shown: type[BaseException]
):
    real_write, written = soundfile.write, []

    def write(path: Path, *arguments, **settings) -> None:
        if len(written) == 5:
            raise failure
        written.append(path)
        real_write(path, *arguments, **settings)

    monkeypatch.setattr(soundfile, "write", write)
    with pytest.raises(shown):
        write_remix_sources(tmp_path, size=TINY)
    assert written
    assert not list(tmp_path.iterdir())
