"""From recordings to features through surveys and recipes, also where recordings are missing or damaged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sedrepro.audio.logmel import LogMel
from sedrepro.audio.store import FeatureStore
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table
from sedrepro.corpora.mixing import Mixer, mix
from sedrepro.corpora.remix import read_recipes
from sedrepro.corpora.survey import COVERAGE_COLUMNS, survey, write_survey
from sedrepro.data_sets import data_set
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import corpus_folder, store_folder, survey_folder
from sedrepro.steps.corpus_tables import prepare_tables
from sedrepro.steps.features import extract_features
from sedrepro.steps.recipes import prepare_recipes
from sedrepro.steps.remix_audio import render_audio

PAPER = "two_step_attention"
DATA_SETS = ("fsdkaggle2018", "tau_urban_2019")
MIXTURES_PER_FOLD = 3


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[Config, Paper]]:
    """The configuration of a tiny run and its paper; settings of the paper can be changed."""

    def build(data_root: Path, **changes) -> tuple[Config, Paper]:
        changes = {"corpora.remix.mixtures_per_fold": MIXTURES_PER_FOLD, "corpora.remix.snr_db": [0, 20]} | changes
        config = Config(
            scale="recordings",
            data_root=data_root,
            work_dir=tmp_path / "data",
            results_dir=tmp_path / "results",
            folds=(1,),
            seeds=(1,),
            device="cpu",
            set={PAPER: changes},
        )
        return config, load_paper(PAPER, config)

    return build


def survey_all(config: Config) -> None:
    for name in DATA_SETS:
        listed = data_set(name).clips(config.corpora_dir)
        found = survey(config.corpora_dir, listed, name)
        write_survey(survey_folder(config, name), name, data_set(name).CLIP_SECONDS, found)


def prepare_remix(config: Config, paper: Paper) -> None:
    prepare_recipes(config, paper, "remix")
    prepare_tables(config, paper, "remix")


def event_files(root: Path) -> list[Path]:
    """The verified event clips."""
    return [root / clip.filename for clip in data_set("fsdkaggle2018").clips(root)]


def test_from_recordings_to_features(sources: Path, make: Callable):
    config, paper = make(sources)
    survey_all(config)
    assert prepare_recipes(config, paper, "remix") == 4 * MIXTURES_PER_FOLD
    assert prepare_tables(config, paper, "remix") == 4 * MIXTURES_PER_FOLD
    folder = extract_features(config, paper, "remix", threads=2)
    assert folder == store_folder(config, paper, "remix")
    store = FeatureStore(folder, paper.settings.front_end)
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    weak = read_table(corpus_folder(config, paper, "remix") / "weak.tsv", ("filename", "event_labels"))
    present = {event.event_label for mixture in mixtures for event in mixture.events}
    assert list(store.facts.classes) == [name for name in paper.settings.classes if name in present]
    assert store.facts.variants == ("remix_0db", "remix_20db")
    assert (store.facts.clips, store.facts.clips_expected) == (12, 12)
    assert store.filenames == [row["filename"] for row in weak]
    assert store.folds.tolist() == [m.fold for m in mixtures]
    for targets, row in zip(store.targets(), weak, strict=True):
        named = [name for name, active in zip(store.facts.classes, targets, strict=True) if active]
        assert sorted(named) == row["event_labels"].split(",")
    mixer = Mixer(sources, paper.settings.front_end, "whole_file")
    log_mel = LogMel(paper.settings.front_end)
    for variant, snr in (("remix_0db", 0), ("remix_20db", 20)):
        for number in (0, 5, 11):
            direct = log_mel(torch.from_numpy(mix(*mixer.tracks(mixtures[number]), snr, "pcm16"))).numpy()
            found = store.array(variant)[number].astype(np.float32)
            np.testing.assert_allclose(found, direct, rtol=0, atol=2**-7 + 1e-3)


def test_a_remix_is_mixed_for_the_front_end_of_its_corpus(sources: Path, make: Callable):
    own = {"n_mels": 20, "fmin": 100}
    _, paper = make(sources)
    given = paper.settings.corpora["remix"].model_dump() | {"front_end": own}
    # The last change is that of the whole corpus, with what `make` has changed in it before.
    config, paper = make(sources, **{"corpora.remix": given})
    survey_all(config)
    prepare_remix(config, paper)
    front_end = paper.settings.front_end.model_copy(update=own)
    store = FeatureStore(extract_features(config, paper, "remix", threads=1), front_end)
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    mixer = Mixer(sources, front_end, "whole_file")
    direct = LogMel(front_end)(torch.from_numpy(mix(*mixer.tracks(mixtures[3]), 20, "pcm16"))).numpy()
    found = store.array("remix_20db")[3].astype(np.float32)
    np.testing.assert_allclose(found, direct, rtol=0, atol=2**-7 + 1e-3)


def test_a_front_end_too_short_for_the_remix_is_refused_where_it_is_the_corpus_own(sources: Path, make: Callable):
    _, paper = make(sources)
    given = paper.settings.corpora["remix"].model_dump() | {"front_end": {"clip_seconds": 5}}
    config, paper = make(sources, **{"corpora.remix": given})
    survey_all(config)
    with pytest.raises(SettingsError, match=r"clip_seconds = 5.* the remix places events up to"):
        prepare_recipes(config, paper, "remix")


def test_clips_with_the_same_events_share_a_group(sources: Path, make: Callable):
    """Tiled, the triples of a small fold come again; reshuffled events may meet in another order."""
    config, paper = make(sources, **{"corpora.remix.draw": "tiled", "corpora.remix.mixtures_per_fold": 12})
    survey_all(config)
    prepare_remix(config, paper)
    store = FeatureStore(extract_features(config, paper, "remix", threads=2))
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    events = [tuple(sorted(event.filename for event in mixture.events)) for mixture in mixtures]
    assert len(set(store.groups)) == len(set(events)) < len(events)
    assert len(set(zip(store.groups, events, strict=True))) == len(set(events))


def test_equal_configurations_give_equal_features(sources: Path, make: Callable):
    found = []
    for threads in (1, 3):
        config, paper = make(sources)
        survey_all(config)
        prepare_remix(config, paper)
        folder = extract_features(config, paper, "remix", threads)
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_missing_and_corrupt_clips_are_left_out_and_counted(sources: Path, make: Callable):
    """One clip deleted and one corrupted after the labels were written."""
    config, paper = make(sources)
    missing, corrupt, *rest = event_files(sources)
    missing.unlink()
    corrupt.write_bytes(corrupt.read_bytes()[:-1000])
    survey_all(config)
    folder = survey_folder(config, "fsdkaggle2018")
    rejected = {row["filename"]: row for row in read_table(folder / "rejected.tsv", ("filename", "problem", "detail"))}
    assert {name.rpartition("/")[2]: row["problem"] for name, row in rejected.items()} == {
        missing.name: "missing",
        corrupt.name: "corrupt",
    }
    total = read_table(folder / "coverage.tsv", COVERAGE_COLUMNS)[-1]
    assert total == total | {
        "label": "(all)",
        "expected": str(len(rest) + 2),
        "usable": str(len(rest)),
        "missing": "1",
        "corrupt": "1",
    }
    prepare_remix(config, paper)
    store = FeatureStore(extract_features(config, paper, "remix", threads=2))
    assert store.array("remix_0db").shape[0] == 4 * MIXTURES_PER_FOLD
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    used = {event.filename for mixture in mixtures for event in mixture.events}
    assert not used & set(rejected)


@pytest.mark.parametrize("damage", ["truncated", "text", "deleted", "silent", "nan"])
def test_a_clip_damaged_after_the_survey_ends_the_step_with_its_name(sources: Path, make: Callable, damage: str):
    config, paper = make(sources)
    survey_all(config)
    prepare_remix(config, paper)
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    path = sources / mixtures[7].events[1].filename
    samples, rate = soundfile.read(path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "text":
        path.write_text("404 not found")
    elif damage == "deleted":
        path.unlink()
    else:
        soundfile.write(path, samples * (0 if damage == "silent" else np.nan), rate, subtype="FLOAT")
    with pytest.raises(DataError) as caught:
        extract_features(config, paper, "remix", threads=2)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    folder = store_folder(config, paper, "remix")
    assert not folder.exists()
    assert not list(folder.parent.glob("*"))
    assert not list(folder.parent.glob(".*"))


def test_an_old_store_outlives_a_failed_extraction(sources: Path, make: Callable):
    config, paper = make(sources)
    survey_all(config)
    prepare_remix(config, paper)
    folder = extract_features(config, paper, "remix", threads=2)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    (sources / mixtures[0].scene).unlink()
    with pytest.raises(DataError, match="missing"):
        extract_features(config, paper, "remix", threads=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_rendered_audio(sources: Path, make: Callable):
    config, paper = make(sources)
    survey_all(config)
    prepare_remix(config, paper)
    folder = render_audio(config, paper, "remix_20db", threads=2, clips=2)
    mixtures = read_recipes(corpus_folder(config, paper, "remix") / "recipes.tsv")
    assert sorted(path.name for path in folder.iterdir()) == ["00000.wav", "00001.wav"]
    mixer = Mixer(sources, paper.settings.front_end, "whole_file")
    for mixture in mixtures[:2]:
        samples, rate = soundfile.read(folder / mixture.filename)
        assert rate == paper.settings.front_end.sample_rate
        np.testing.assert_allclose(samples, mix(*mixer.tracks(mixture), 20, "pcm16"), rtol=0, atol=2**-14)


def test_unknown_corpora_and_variants_name_the_nearest(sources: Path, make: Callable):
    config, paper = make(sources)
    with pytest.raises(SettingsError, match=r"corpus 'remx' is unknown; did you mean 'remix'"):
        paper.corpus("remx")
    with pytest.raises(SettingsError, match=r"corpus variant 'remix_2db' is unknown; did you mean 'remix_20db'"):
        render_audio(config, paper, "remix_2db", threads=1, clips=1)


def test_steps_in_the_wrong_order_name_the_missing_file(sources: Path, make: Callable):
    config, paper = make(sources)
    with pytest.raises(DataError, match=r"fsdkaggle2018/weak\.tsv: no such file"):
        prepare_remix(config, paper)
    with pytest.raises(DataError, match=r"recipes\.tsv: no such file"):
        prepare_tables(config, paper, "remix")
    with pytest.raises(DataError, match=r"weak\.tsv: no such file"):
        extract_features(config, paper, "remix", threads=1)


def test_a_class_that_the_paper_does_not_have_is_named(sources: Path, make: Callable):
    config, paper = make(sources)
    table = sources / data_set("fsdkaggle2018").LABELS[0]
    table.write_text(table.read_text().replace(",Cowbell,1", ",Cowbel,1", 1))
    survey_all(config)
    with pytest.raises(DataError, match=r"weak\.tsv: row \d+: unknown class 'Cowbel'; did you mean 'Cowbell'"):
        prepare_remix(config, paper)


def test_no_usable_scene_is_one_clear_error(sources: Path, make: Callable):
    config, paper = make(sources)
    for recording in data_set("tau_urban_2019").clips(sources):
        (sources / recording.filename).write_bytes(b"")
    survey_all(config)
    with pytest.raises(DataError, match=r"remix: there is no usable scene; see the rejected\.tsv"):
        prepare_remix(config, paper)


def test_clips_too_short_for_the_events_are_refused(sources: Path, make: Callable):
    config, paper = make(sources, **{"front_end.clip_seconds": 7})
    survey_all(config)
    with pytest.raises(SettingsError, match=r"front_end\.clip_seconds = 7\.0: the remix places events up to 7\.5 s"):
        prepare_remix(config, paper)
