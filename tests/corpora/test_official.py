"""Corpora of official clips: their splits, their tables from a survey, and their features."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from sedrepro.audio.extraction import file_features
from sedrepro.audio.store import FeatureStore
from sedrepro.clips import Clip, Event
from sedrepro.config import Config, make_config
from sedrepro.corpora import official
from sedrepro.corpora.official import Official, write_official_tables
from sedrepro.corpora.preparation import (
    coverage_of,
    extract_features,
    prepare_recipes,
    prepare_tables,
    render_audio,
)
from sedrepro.corpora.survey import Surveyed, survey, write_survey
from sedrepro.corpora.tables import CORPUS_TABLES, read_clips, read_strong
from sedrepro.data_sets import dcase2017_task4
from sedrepro.errors import DataError, SettingsError
from sedrepro.files import read_table
from sedrepro.miniature.dcase2017_task4 import TrafficSize, write_dcase2017_task4
from sedrepro.runs import corpus_folder, store_folder, survey_folder
from sedrepro.settings import Paper, load_paper

PAPER, CORPUS, DATA_SET = "hierarchical_pooling", "dcase2017", "dcase2017_task4"
FIRE = "Fire engine, fire truck (siren)"
CLASSES = ("Car", "Train", FIRE)


def corpus(training=("training",), held_out=("testing", "evaluation")) -> Official:
    return Official(kind="official", data_set=DATA_SET, training=training, held_out=held_out)


# --- settings


@pytest.mark.parametrize(
    ("training", "held_out"), [(["a"], ["a"]), (["a", "b"], ["c", "b"]), (["training"], ["training", "evaluation"])]
)
def test_a_split_cannot_both_train_and_be_held_out(training, held_out):
    shared = (set(training) & set(held_out)).pop()
    with pytest.raises(ValidationError, match=f"split '{shared}' cannot both train and be held out"):
        corpus(training, held_out)


@pytest.mark.parametrize("empty", ["training", "held_out"])
def test_splits_on_both_sides_are_needed(empty):
    with pytest.raises(ValidationError, match=f"{empty}\n.*at least 1 item"):
        corpus(**{empty: ()})


def test_it_has_one_variant_one_data_set_and_no_folds():
    settings = corpus()
    assert settings.variants("some_name") == {"some_name": None}
    assert settings.data_sets == (DATA_SET,)
    assert settings.splits == ("training", "testing", "evaluation")
    for configured in ((1,), (1, 2, 3, 4)):
        assert settings.folds(configured) == (official.NO_FOLD,)


def test_parts_are_those_of_the_splits():
    splits = np.array(["evaluation", "training", "other", "testing", "training"])
    train, held_out = corpus().parts(splits, np.zeros(5, dtype=int), official.NO_FOLD)
    assert train.tolist() == [False, True, False, False, True]
    assert held_out.tolist() == [True, False, False, True, False]


def test_another_fold_is_refused():
    with pytest.raises(SettingsError) as caught:
        corpus().parts(np.array(["training"]), np.array([0]), 1)
    assert str(caught.value) == "dcase2017_task4 has official splits, no folds: fold 1 must be 0"


# --- tables


def listed(name: str, split: str, labels=("Car",), events=None) -> Surveyed:
    clip = Clip(name, split, f"group of {name}", labels=labels, events=events, events_as_released=events)
    return Surveyed(clip, 9.5, 44100, 1)


SURVEYED = (
    listed("a.wav", "training", ("Car", FIRE)),
    listed("b.wav", "testing", ("Train",), (Event(1, 2.5, "Train"),)),
    listed("c.wav", "unused", ("Boat",), (Event(0, 1, "Boat"),)),
    listed("d.wav", "evaluation", (), ()),
    listed("e.wav", "training", ()),
    listed("f.wav", "evaluation", (FIRE,), (Event(0, 1, FIRE), Event(0.5, 9.75, FIRE))),
    listed("g.wav", "testing", None, ()),
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Survey clips by hand, write the tables of a corpus of them, and return their folder."""

    def build(*surveyed: Surveyed, **splits) -> Path:
        write_survey(tmp_path / "survey", DATA_SET, 10.0, surveyed)
        write_official_tables(tmp_path / "corpus", tmp_path / "survey", corpus(**splits), CLASSES)
        return tmp_path / "corpus"

    return build


def refused(kind: type[Exception], call: Callable, *arguments, **named) -> str:
    with pytest.raises(kind) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_tables_hold_the_clips_of_the_chosen_splits_and_their_labels(write):
    folder = write(*SURVEYED)
    assert {path.name for path in folder.iterdir()} == set(CORPUS_TABLES)
    rows = read_clips(folder)
    assert [(row["filename"], row["split"]) for row in rows] == [
        (one.clip.filename, one.clip.split) for one in SURVEYED if one.clip.split != "unused"
    ]
    assert rows[0] == {
        "filename": "a.wav",
        "split": "training",
        "fold": "0",
        "duration": "9.5",
        "group": "group of a.wav",
        "event_labels": f"Car,{FIRE}",
    }
    weak = {row["filename"]: row["event_labels"] for row in read_table(folder / "weak.tsv", ("filename",))}
    assert weak == {"a.wav": f"Car,{FIRE}", "b.wav": "Train", "d.wav": "", "e.wav": "", "f.wav": FIRE}
    assert read_strong(folder) == {
        "b.wav": [Event(1, 2.5, "Train")],
        "d.wav": [],  # strongly labelled, nothing is heard
        "f.wav": [Event(0, 1, FIRE), Event(0.5, 9.75, FIRE)],
        "g.wav": [],
    }


def test_other_splits_give_other_clips(write):
    folder = write(*SURVEYED, training=("training",), held_out=("evaluation",))
    assert [row["filename"] for row in read_clips(folder)] == ["a.wav", "d.wav", "e.wav", "f.wav"]
    assert list(read_strong(folder)) == ["d.wav", "f.wav"]


def test_a_split_without_usable_clips_is_named(write, tmp_path: Path):
    rejected = Surveyed(Clip("b.wav", "testing", "b", labels=("Train",)), problem="missing", detail="missing")
    others = [one for one in SURVEYED if one.clip.split != "testing"]
    message = refused(DataError, write, *others, rejected)
    assert message == f"{tmp_path}/survey/clips.tsv: no usable clip of split 'testing'; see rejected.tsv beside it"
    assert not (tmp_path / "corpus").exists()


def test_an_unlabelled_clip_that_trains_is_named(write, tmp_path: Path):
    message = refused(DataError, write, *SURVEYED, listed("h.wav", "training", None))
    assert message == f"{tmp_path}/survey/weak.tsv: h.wav trains (split 'training') but has no weak label"
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize("split", ["training", "evaluation"])
def test_an_unknown_weak_class_names_the_nearest(write, tmp_path: Path, split: str):
    message = refused(DataError, write, *SURVEYED, listed("h.wav", split, ("Car", "Trian")))
    assert message == f"{tmp_path}/survey/weak.tsv: h.wav: unknown class 'Trian'; did you mean 'Train'?"


def test_an_unknown_strong_class_names_the_nearest(write, tmp_path: Path):
    message = refused(DataError, write, *SURVEYED, listed("h.wav", "testing", ("Train",), (Event(0, 1, "Trian"),)))
    assert message == f"{tmp_path}/survey/strong.tsv: h.wav: unknown class 'Trian'; did you mean 'Train'?"


def test_a_missing_survey_is_named(tmp_path: Path):
    message = refused(DataError, write_official_tables, tmp_path / "corpus", tmp_path / "survey", corpus(), CLASSES)
    assert message == f"{tmp_path}/survey/clips.tsv: no such file"


# --- from recordings to features

SIZE = TrafficSize(training=6, testing=4, evaluation=4)


@pytest.fixture(scope="session")
def _miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dcase2017")
    write_dcase2017_task4(root, seed=0, size=SIZE)
    return root


@pytest.fixture
def root(_miniature: Path, tmp_path: Path) -> Path:
    """A tiny DCASE 2017 of one's own, free to be damaged."""
    return Path(shutil.copytree(_miniature, tmp_path / "root"))


def configured(root: Path, **changes) -> tuple[Config, Paper]:
    folder = root.parent
    given = {"scale": "miniature", "folds": [1, 2], "seeds": [1], "device": "cpu", "data_root": root}
    given |= {"work_dir": folder / "data", "results_dir": folder / "results", "set": {PAPER: changes}}
    config = make_config(given, "test")
    return config, load_paper(PAPER, config)


def survey_all(config: Config) -> list[Surveyed]:
    found = survey(config.corpora_dir, dcase2017_task4.clips(config.corpora_dir), "clips", use_silent=True)
    write_survey(survey_folder(config, DATA_SET), DATA_SET, 10.0, found)
    return found


def clips_of(root: Path, split: str) -> list[Path]:
    return [root / clip.filename for clip in dcase2017_task4.clips(root) if clip.split == split]


def shorten(path: Path, seconds: float) -> None:
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(path, samples[: round(seconds * rate)], rate, subtype="PCM_16")


@pytest.mark.parametrize("threads", [1, 2])
def test_features_are_those_of_the_files(root: Path, threads: int):
    shorten(clips_of(root, "testing")[1], 3.25)
    config, paper = configured(root)
    found = survey_all(config)
    assert prepare_tables(config, paper, CORPUS) == len(found) == 14
    assert extract_features(config, paper, CORPUS, threads) == store_folder(config, paper, CORPUS)
    front_end = paper.settings.front_end
    store = FeatureStore(store_folder(config, paper, CORPUS), front_end)
    assert store.filenames == [one.clip.filename for one in found]
    assert store.splits.tolist() == [one.clip.split for one in found]
    assert set(store.folds.tolist()) == {official.NO_FOLD}
    assert store.durations.tolist() == [one.duration for one in found]
    assert store.facts.variants == (CORPUS,)
    assert (store.facts.clips, store.facts.clips_expected) == (14, 14)
    labels = {label for one in found for label in one.clip.labels}
    assert list(store.facts.classes) == [label for label in paper.settings.classes if label in labels]
    assert store.facts.data == {DATA_SET: coverage_of(config, DATA_SET)}
    values = store.array(CORPUS)
    assert values.shape == (14, front_end.n_frames, front_end.n_mels)
    for row, name in enumerate(store.filenames):
        np.testing.assert_array_equal(values[row], file_features(root / name, front_end).astype(np.float16))


def test_shorter_clips_are_padded_with_silence(root: Path):
    path = clips_of(root, "evaluation")[0]
    shorten(path, 4)
    config, paper = configured(root)
    survey_all(config)
    prepare_tables(config, paper, CORPUS)
    store = FeatureStore(extract_features(config, paper, CORPUS, 1))
    values = store.array(CORPUS)[store.filenames.index(str(path.relative_to(root)))].astype(float)
    frames = round(4 * paper.settings.front_end.frames_per_second)
    silence = np.log(paper.settings.front_end.log_offset)
    np.testing.assert_allclose(values[frames + 1 :], silence, atol=0.01)
    assert values[: frames - 1].mean() > silence + 3
    assert store.durations[store.filenames.index(str(path.relative_to(root)))] == 4


def test_rejected_clips_are_expected_where_their_split_is_chosen(root: Path):
    clips_of(root, "training")[0].unlink()
    clips_of(root, "testing")[1].write_text("404 not found")
    for path in clips_of(root, "evaluation")[:2]:
        path.write_bytes(path.read_bytes()[:-1000])
    held_out = {"corpora.dcase2017.held_out": ["testing"]}
    for changes, clips, expected in ((held_out, 5 + 3, 6 + 4), ({}, 5 + 3 + 2, 14)):
        config, paper = configured(root, **changes)
        survey_all(config)
        assert prepare_tables(config, paper, CORPUS) == clips
        facts = FeatureStore(extract_features(config, paper, CORPUS, 1)).facts
        assert (facts.clips, facts.clips_expected) == (clips, expected)


def test_the_fingerprint_tells_which_clips_and_labels_there_are(root: Path):
    marks = []
    for damage in (False, False, True):
        if damage:
            clips_of(root, "testing")[0].unlink()
        config, paper = configured(root)
        survey_all(config)
        prepare_tables(config, paper, CORPUS)
        marks.append(FeatureStore(extract_features(config, paper, CORPUS, 1)).facts.fingerprint)
    assert marks[0] == marks[1] != marks[2]


@pytest.mark.parametrize("damage", ["truncated", "text", "deleted", "nan"])
def test_a_clip_damaged_after_the_survey_ends_the_step_with_its_name(root: Path, damage: str):
    config, paper = configured(root)
    survey_all(config)
    prepare_tables(config, paper, CORPUS)
    path = clips_of(root, "testing")[2]
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "text":
        path.write_text("404 not found")
    elif damage == "deleted":
        path.unlink()
    else:
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples * np.nan, rate, subtype="FLOAT")
    assert refused(DataError, extract_features, config, paper, CORPUS, 2).startswith(f"{path}: ")
    folder = store_folder(config, paper, CORPUS)
    assert not list(folder.parent.iterdir())


def test_an_old_store_outlives_a_failed_extraction(root: Path):
    config, paper = configured(root)
    survey_all(config)
    prepare_tables(config, paper, CORPUS)
    folder = extract_features(config, paper, CORPUS, 1)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    clips_of(root, "training")[3].unlink()
    refused(DataError, extract_features, config, paper, CORPUS, 1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]


# --- wrong settings and steps


def test_an_unknown_split_names_the_nearest(root: Path):
    config, paper = configured(root, **{"corpora.dcase2017.training": ["trainig"]})
    survey_all(config)
    message = refused(SettingsError, prepare_tables, config, paper, CORPUS)
    assert message == "hierarchical_pooling: corpora.dcase2017: unknown split 'trainig'; did you mean 'training'?"
    assert not corpus_folder(config, paper, CORPUS).exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("held_out", ["training", "testing", "evaluation"], "split 'training' cannot both train and be held out"),
        ("held_out", ["evaluation"], "training.select_on = 'testing' is no held-out split"),
        ("kind", "oficial", "'corpora.dcase2017.kind' = 'oficial' is unknown; did you mean 'official'?"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(root: Path, key: str, value, message: str):
    found = refused(SettingsError, configured, root, **{f"corpora.dcase2017.{key}": value})
    assert message in found
    assert "settings.yaml" in found


def test_an_unknown_data_set_names_the_nearest(root: Path):
    config, paper = configured(root, **{"corpora.dcase2017.data_set": "dcase2017_task5"})
    assert "did you mean 'dcase2017_task4'?" in refused(SettingsError, prepare_tables, config, paper, CORPUS)


def test_there_is_no_recipe_and_nothing_to_render(root: Path):
    config, paper = configured(root)
    expected = "hierarchical_pooling: corpus 'dcase2017' is not a remix, there is nothing to mix"
    assert refused(SettingsError, prepare_recipes, config, paper, CORPUS) == expected
    assert refused(SettingsError, render_audio, config, paper, CORPUS, 1, None) == expected


def test_steps_in_the_wrong_order_name_the_missing_file(root: Path):
    config, paper = configured(root)
    assert "dcase2017_task4/clips.tsv: no such file" in refused(DataError, prepare_tables, config, paper, CORPUS)
    assert "weak.tsv: no such file" in refused(DataError, extract_features, config, paper, CORPUS, 1)
