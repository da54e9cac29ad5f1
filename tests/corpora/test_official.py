"""Corpora of official clips: their splits, their tables from a survey, and their features."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sedrepro.annotations.clips import Clip, Event
from sedrepro.audio.extraction import file_features
from sedrepro.audio.store import FeatureStore
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table
from sedrepro.corpora.official import write_official_tables
from sedrepro.corpora.settings import NO_FOLD, Official
from sedrepro.corpora.survey import Surveyed, read_coverage, survey, write_survey
from sedrepro.corpora.tables import CORPUS_TABLES, read_clips, read_strong, read_subsets
from sedrepro.data_sets import dcase2017_task4, dcase2018_task4, dcase2019_task4
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import corpus_folder, store_folder, survey_folder
from sedrepro.miniature.dcase2017_task4 import TrafficSize, write_dcase2017_task4
from sedrepro.miniature.dcase2019_task4 import DomesticSize, write_dcase2019_task4
from sedrepro.steps.corpus_tables import prepare_tables
from sedrepro.steps.features import extract_features
from sedrepro.steps.recipes import prepare_recipes
from sedrepro.steps.remix_audio import render_audio

PAPER, CORPUS, DATA_SET = "hierarchical_pooling", "dcase2017", "dcase2017_task4"
FIRE = "Fire engine, fire truck (siren)"
CLASSES = ("Car", "Train", FIRE)


def corpus(training=("training",), held_out=("testing", "evaluation"), **others) -> Official:
    return Official(kind="official", data_set=DATA_SET, training=training, held_out=held_out, **others)


# --- settings


@pytest.mark.parametrize(
    ("training", "held_out"), [(["a"], ["a"]), (["a", "b"], ["c", "b"]), (["training"], ["training", "evaluation"])]
)
def test_a_split_cannot_both_train_and_be_held_out(training, held_out):
    shared = (set(training) & set(held_out)).pop()
    with pytest.raises(ValidationError, match=f"split '{shared}' is listed twice"):
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
        assert settings.folds(configured) == (NO_FOLD,)


def test_parts_are_those_of_the_splits():
    splits = np.array(["evaluation", "training", "other", "testing", "training"])
    parts = corpus().parts(splits, np.zeros(5, dtype=int), NO_FOLD)
    assert parts.weak.tolist() == parts.training.tolist() == [False, True, False, False, True]
    assert parts.held_out.tolist() == [True, False, False, True, False]
    assert not parts.strong.any()
    assert not parts.unlabelled.any()


ROLES = ("training", "strong", "unlabelled", "held_out")


@pytest.mark.parametrize(("one", "other"), [(a, b) for a in ROLES for b in ROLES])
def test_a_split_has_one_role_and_stands_there_once(one: str, other: str):
    roles = {role: [role] for role in ROLES}
    roles[other] = [other, one] if one != other else [other, other]
    with pytest.raises(ValidationError, match=f"split '{one}' is listed twice"):
        corpus(**roles)


@given(st.lists(st.sampled_from("tsuhx"), max_size=20))
def test_every_clip_has_the_role_of_its_split_and_no_other(splits: list[str]):
    settings = corpus(["t"], ["h"], strong=["s"], unlabelled=["u"])
    assert settings.splits == ("t", "s", "u", "h")
    parts = settings.parts(np.array(splits, dtype=str), np.zeros(len(splits)), NO_FOLD)
    found = {"t": parts.weak, "s": parts.strong, "u": parts.unlabelled, "h": parts.held_out}
    for split, chosen in found.items():
        assert chosen.tolist() == [one == split for one in splits]
    assert parts.training.tolist() == [one in "tsu" for one in splits]


def subset(split="testing", data_set="dcase2018_task4"):
    return {"split": split, "data_set": data_set}


def test_a_subset_brings_its_data_set_and_is_no_split():
    settings = corpus(subsets={"part": subset(), "other": subset("evaluation"), "own": subset(data_set=DATA_SET)})
    assert settings.data_sets == (DATA_SET, "dcase2018_task4")
    assert settings.splits == ("training", "testing", "evaluation")


@pytest.mark.parametrize(
    ("subsets", "message"),
    [
        ({"part": subset("training")}, "subsets.part.split = 'training' is not held out; .*'testing'"),
        ({"part": subset("evalution")}, "subsets.part.split = 'evalution' is not held out; did you mean 'evaluation'?"),
        ({"testing": subset()}, "subsets.testing has the name of a split; call it something else"),
        ({"training": subset()}, "subsets.training has the name of a split; call it something else"),
    ],
)
def test_subsets_are_of_held_out_splits_and_have_names_of_their_own(subsets: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        corpus(subsets=subsets)


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

    def build(*surveyed: Surveyed, listed: dict[str, list[str]] | None = None, **settings) -> Path:
        write_survey(tmp_path / "survey", DATA_SET, 10.0, surveyed)
        write_official_tables(tmp_path / "corpus", tmp_path / "survey", corpus(**settings), CLASSES, listed or {})
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


def test_an_unlabelled_clip_needs_no_label_where_nothing_is_learned_from_labels(write):
    others = listed("h.wav", "in_domain", None), listed("i.wav", "in_domain", ("Car",))
    folder = write(*SURVEYED, *others, unlabelled=("in_domain",))
    rows = {row["filename"]: (row["split"], row["event_labels"]) for row in read_clips(folder)}
    assert rows["h.wav"] == ("in_domain", "")
    assert "h.wav" not in (folder / "weak.tsv").read_text()
    assert not {"h.wav", "i.wav"} & read_strong(folder).keys()


def test_a_clip_that_trains_on_strong_labels_must_have_some(write, tmp_path: Path):
    heard = listed("h.wav", "synthetic", ("Car",), (Event(0, 1, "Car"),)), listed("i.wav", "synthetic", (), ())
    folder = write(*SURVEYED, *heard, strong=("synthetic",))
    assert {name: events for name, events in read_strong(folder).items() if name in ("h.wav", "i.wav")} == {
        "h.wav": [Event(0, 1, "Car")],
        "i.wav": [],  # silent, and known to be
    }
    shutil.rmtree(folder)
    message = refused(
        DataError, write, *SURVEYED, *heard, listed("j.wav", "synthetic", ("Car",)), strong=("synthetic",)
    )
    assert message == f"{tmp_path}/survey/strong.tsv: j.wav trains (split 'synthetic') but has no strong label"
    assert not folder.exists()


@pytest.mark.parametrize("role", ["strong", "unlabelled"])
def test_every_split_that_trains_must_have_usable_clips(write, tmp_path: Path, role: str):
    message = refused(DataError, write, *SURVEYED, **{role: ("absent",)})
    assert message == f"{tmp_path}/survey/clips.tsv: no usable clip of split 'absent'; see rejected.tsv beside it"


def test_subsets_hold_the_listed_clips_of_their_split(write):
    subsets = {"few": subset("testing"), "others": subset("evaluation")}
    names = ["z.wav", "g.wav", "a.wav", "d.wav", "f.wav"]  # z is nowhere, a trains
    folder = write(*SURVEYED, subsets=subsets, listed={"few": names, "others": names})
    assert read_subsets(folder) == {"few": {"g.wav"}, "others": {"d.wav", "f.wav"}}
    assert [row["filename"] for row in read_clips(folder)].count("g.wav") == 1


@pytest.mark.parametrize("names", [[], ["a.wav", "d.wav", "z.wav"]])
def test_an_empty_subset_says_what_is_missing(write, tmp_path: Path, names: list[str]):
    message = refused(DataError, write, *SURVEYED, subsets={"few": subset("testing")}, listed={"few": names})
    assert message.startswith(
        f"{tmp_path}/survey/clips.tsv: no usable clip of split 'testing' is one of dcase2018_task4"
    )
    assert "subset 'few' is empty; remove it from the settings, or obtain its clips" in message
    assert not (tmp_path / "corpus").exists()


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
    assert set(store.folds.tolist()) == {NO_FOLD}
    assert store.durations.tolist() == [one.duration for one in found]
    assert store.facts.variants == (CORPUS,)
    assert (store.facts.clips, store.facts.clips_expected) == (14, 14)
    labels = {label for one in found for label in one.clip.labels}
    assert list(store.facts.classes) == [label for label in paper.settings.classes if label in labels]
    assert store.facts.data == {DATA_SET: read_coverage(survey_folder(config, DATA_SET))}
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
        ("held_out", ["training", "testing", "evaluation"], "split 'training' is listed twice"),
        ("held_out", ["evaluation"], "training.select_on = 'testing' is not a held-out split"),
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


# --- domestic sounds: clips with weak labels, with strong ones and with none, a subset, a front end per corpus

DOMESTIC = "c_ssed"
DOMESTIC_SIZE = DomesticSize(synthetic=4, weak=4, unlabel_in_domain=3, test_dcase2018=2, eval_dcase2018=3, public=1)


@pytest.fixture(scope="session")
def _domestic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dcase2019")
    write_dcase2019_task4(root, seed=0, size=DOMESTIC_SIZE)
    return root


@pytest.fixture
def domestic_root(_domestic: Path, tmp_path: Path) -> Path:
    """A tiny DCASE 2019 of one's own, free to be damaged."""
    return Path(shutil.copytree(_domestic, tmp_path / "root"))


def domestic(root: Path, **changes) -> tuple[Config, Paper]:
    """Configuration and paper; settings are changed by key, with __ for a dot."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "data_root": root}
    given |= {"work_dir": root.parent / "data", "results_dir": root.parent / "results", "set": {DOMESTIC: changes}}
    config = make_config(given, "test")
    return config, load_paper(DOMESTIC, config)


def survey_domestic(config: Config) -> dict[str, list[Surveyed]]:
    found = {}
    for module in (dcase2018_task4, dcase2019_task4):
        name = module.__name__.rpartition(".")[2]
        found[name] = survey(config.corpora_dir, module.clips(config.corpora_dir), "clips", use_silent=True)
        write_survey(survey_folder(config, name), name, 10.0, found[name])
    return found


def test_a_subset_counts_apart_from_the_clips_of_the_corpus(domestic_root: Path):
    config, paper = domestic(domestic_root)
    listed_2018 = [clip.filename for clip in dcase2018_task4.clips(domestic_root)]
    (domestic_root / listed_2018[1]).unlink()
    found = survey_domestic(config)
    clips = prepare_tables(config, paper, "dcase2019")
    assert clips == 4 + 4 + 3 + 5 - 1
    folder = corpus_folder(config, paper, "dcase2019")
    usable = {one.clip.filename for one in found["dcase2018_task4"] if not one.problem}
    assert read_subsets(folder) == {"eval2018": usable}
    assert len(usable) == 2
    facts = FeatureStore(extract_features(config, paper, "dcase2019", 1)).facts
    expected = {"weak": 4, "synthetic": 4, "unlabelled": 3, "validation": 5}
    assert facts.expected_by_split == expected | {"eval2018": 3}
    assert (facts.clips, facts.clips_expected) == (clips, sum(expected.values()))
    assert {name: (part.usable, part.expected) for name, part in facts.data.items()} == {
        "dcase2019_task4": (clips + 1, 16 + 1),  # with a public clip, which the corpus does not use
        "dcase2018_task4": (2, 3),
    }


def test_features_are_extracted_with_the_front_end_of_the_corpus(domestic_root: Path):
    own = {"sample_rate": 32000, "n_mels": 24, "fmax": 16000}
    config, paper = domestic(domestic_root, corpora__dcase2019_44k__front_end=own)
    survey_domestic(config)
    front_ends = {}
    for corpus_name in ("dcase2019", "dcase2019_44k"):
        prepare_tables(config, paper, corpus_name)
        front_ends[corpus_name] = paper.settings.front_end_of(corpus_name)
        store = FeatureStore(extract_features(config, paper, corpus_name, 1), front_ends[corpus_name])
        values = store.array(corpus_name)
        assert values.shape[1:] == (front_ends[corpus_name].n_frames, front_ends[corpus_name].n_mels)
        expected = file_features(domestic_root / store.filenames[0], front_ends[corpus_name])
        np.testing.assert_array_equal(values[0], expected.astype(np.float16))
    assert front_ends["dcase2019"] == paper.settings.front_end
    assert front_ends["dcase2019_44k"] == paper.settings.front_end.model_copy(update=own)
    with pytest.raises(SettingsError, match="features were extracted with sample_rate = 16000"):
        FeatureStore(store_folder(config, paper, "dcase2019"), front_ends["dcase2019_44k"])


def test_unlabelled_clips_have_no_label_in_the_store(domestic_root: Path):
    config, paper = domestic(domestic_root)
    survey_domestic(config)
    prepare_tables(config, paper, "dcase2019")
    store = FeatureStore(extract_features(config, paper, "dcase2019", 1))
    unlabelled = store.splits == "unlabelled"
    assert unlabelled.sum() == 3
    assert not store.targets()[unlabelled].any()
    assert store.targets()[~unlabelled].any(axis=1).mean() > 0.5


def test_a_subset_of_an_unknown_data_set_names_the_nearest(domestic_root: Path):
    config, paper = domestic(domestic_root, corpora__dcase2019__subsets__eval2018__data_set="dcase2018_taks4")
    survey_domestic(config)
    message = refused(SettingsError, prepare_tables, config, paper, "dcase2019")
    assert "did you mean 'dcase2018_task4'?" in message
    assert not corpus_folder(config, paper, "dcase2019").exists()


def test_a_subset_whose_data_set_is_not_surveyed_names_the_file(domestic_root: Path):
    config, paper = domestic(domestic_root)
    survey_domestic(config)
    shutil.rmtree(survey_folder(config, "dcase2018_task4"))
    message = refused(DataError, prepare_tables, config, paper, "dcase2019")
    assert message == f"{survey_folder(config, 'dcase2018_task4')}/clips.tsv: no such file"
