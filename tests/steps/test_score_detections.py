"""Scoring by several ways of detection at once, and metrics of clips and frames beside them, against the functions."""

import json
from pathlib import Path

import numpy as np
import pytest
from run_config_example import run_config
from sklearn.metrics import f1_score

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table, write_json
from sedrepro.corpora.tables import write_tables
from sedrepro.detection.class_thresholds import UNREACHABLE, active_segments, best_class_thresholds, pooled_segments
from sedrepro.detection.hysteresis import hysteresis_active
from sedrepro.detection.postprocessing import events as events_of
from sedrepro.detection.postprocessing import median_window
from sedrepro.evaluation.clip_metrics import clip_f1, clip_metrics, tagging_f1
from sedrepro.evaluation.event_based import event_metrics
from sedrepro.evaluation.frame_level import frame_metrics
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.metrics_files import RunMetrics, read_metrics
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.run_config import write_run_config
from sedrepro.experiments.run_files import read_scores
from sedrepro.experiments.runs import RunIdentity
from sedrepro.steps import score as scoring
from sedrepro.steps.score import DETECTED_COLUMNS, SCORE_FILES

PAPER = "ddc_fap"
WHO = RunIdentity(PAPER, "vgg_gap", "dcase2017", 0, 1)
MIXED = RunIdentity(PAPER, "vgg_gap", "remix_0db", 1, 1)
CLASSES = ("Car", "Fire engine, fire truck (siren)", "Train")
SPLITS = ("testing", "evaluation")
RATE, FRAMES, SECONDS = 10.0, 50, 5.0
#: As many feature frames per second as frames of scores.
SAME_FRAMES = {"front_end.hop_length": 1600}
SEARCH = {
    "kind": "search",
    "corpora": ["dcase2017"],
    "choose_on": "testing",
    "criterion": "f1",
    "thresholds": [0.3, 0.6],
    "median_seconds": [0, 0.5],
    "longest_gap_seconds": [0],
    "shortest_seconds": [0, 0.4],
    "border": "inactive",
}
HYSTERESIS = {
    "kind": "hysteresis",
    "clip_threshold": 0.15,
    "high": 0.45,
    "low": 0.3,
    "longest_gap_frames": 2,
    "shortest_frames": 3,
}
THRESHOLDS = {
    "kind": "class_thresholds",
    "corpora": ["dcase2017"],
    "choose_on": "testing",
    "segment_seconds": 0.5,
    "segment_pooling": "mean",
}
THREE = {"search": SEARCH, "hysteresis": HYSTERESIS, "class_thresholds": THRESHOLDS}


def configured(folder: Path, detection=THREE, paper=PAPER, **changes) -> Config:
    """A configuration whose detection is the given; `changes` go to the paper's settings, with __ for a dot."""
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    changes |= {"detection": detection} if detection is not None else {}
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "set": {paper: SAME_FRAMES | changes}}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


def loaded(config: Config) -> Paper:
    return load_paper(PAPER, config)


Clip = tuple[str, np.ndarray, np.ndarray, list[Event], float]
"""Split, clip scores (class,), frame scores (frame, class), events, duration."""


def random_clips(seed: int = 0, clips: int = 16, splits=SPLITS) -> list[Clip]:
    """Clips of the splits in turn, with random events, and scores that know a little of them."""
    random, made = np.random.default_rng(seed), []
    for number in range(clips):
        duration = SECONDS if random.random() < 0.7 else float(random.uniform(2, SECONDS))
        found, frame = [], random.normal(0.2, 0.1, (FRAMES, len(CLASSES)))
        for label, name in enumerate(CLASSES):
            if (number // 2 + label) % 3 == 0:
                onset = random.uniform(0, duration - 1)
                found.append(Event(round(onset, 3), round(random.uniform(onset + 0.5, duration), 3), name))
                frame[int(onset * RATE) : int(np.ceil(found[-1].offset * RATE)), label] += random.uniform(0.1, 0.5)
        frame = frame.clip(0.01, 0.99)
        made.append((splits[number % len(splits)], frame.mean(axis=0), frame, found, duration))
    return made


def write(config: Config, clips: list[Clip], who: RunIdentity = WHO, without: tuple[str, ...] = ()) -> Path:
    """A run's files and the strong labels of its corpus; returns the run's folder."""
    folder = who.folder(config)
    folder.mkdir(parents=True, exist_ok=True)
    splits, clip, frame, found, durations = zip(*clips, strict=True)
    names = [f"{number}.wav" for number in range(len(clips))]
    arrays = {
        "clip": np.stack(clip).astype(np.float32),
        "targets": np.array([[c in {e.event_label for e in of_clip} for c in CLASSES] for of_clip in found], np.uint8),
        "filenames": np.array(names),
        "splits": np.array(splits),
        "durations": np.array(durations),
        "frames_per_second": np.array(RATE),
        "mean": np.zeros(4, dtype=np.float32),
        "deviation": np.ones(4, dtype=np.float32),
        "frame": np.stack(frame).astype(np.float16),
    }
    np.savez(folder / "scores.npz", **{name: array for name, array in arrays.items() if name not in without})
    described = run_config(config, who, classes=list(CLASSES), clips=80, clips_expected=90, parameters=12345)
    write_run_config(folder, described)
    rows = [
        row
        for name, of_clip in zip(names, found, strict=True)
        for row in ([(name, e.onset, e.offset, e.event_label) for e in of_clip] or [(name, "", "", "")])
    ]
    corpus = load_paper(who.paper, config).settings.corpus_of(who.variant)[0]
    folder_of_corpus = corpus_folder(config, load_paper(who.paper, config), corpus)
    fold = who.fold  # the clips are all held out
    listed = [(name, split, fold, seconds, name) for name, split, seconds in zip(names, splits, durations, strict=True)]
    write_tables(folder_of_corpus, listed, [], rows)
    return folder


def score(config: Config, who: RunIdentity = WHO) -> RunMetrics:
    return read_metrics(scoring.score(load_paper(who.paper, config), who, config))


class Part:
    """What scores.npz and the labels say of the clips of one split."""

    def __init__(self, folder: Path, clips: list[Clip], split: str) -> None:
        arrays = read_scores(folder)
        rows = np.flatnonzero(arrays["splits"] == split)
        self.clip, self.targets, self.durations = (arrays[name][rows] for name in ("clip", "targets", "durations"))
        self.frame = arrays["frame"][rows].astype(np.float32)
        self.names = [str(name) for name in arrays["filenames"][rows]]
        self.reference = {f"{row}.wav": clips[row][3] for row in rows}

    def named(self, found: list[list[Event]]) -> dict[str, list[Event]]:
        return dict(zip(self.names, found, strict=True))


# --- all of them at once


@pytest.mark.parametrize("seed", range(3))
def test_every_way_is_scored_by_segments_and_by_events(tmp_path: Path, seed: int):
    config, clips = configured(tmp_path), random_clips(seed)
    folder, found = write(config, clips), score(config)
    settings = loaded(config).settings
    hysteresis, thresholds = settings.detection["hysteresis"], settings.detection["class_thresholds"]
    chosen = best_class_thresholds(*(getattr(Part(folder, clips, "testing"), name) for name in ("targets", "clip")))
    for split in SPLITS:
        part = Part(folder, clips, split)
        grown = hysteresis_active(part.frame, part.clip, hysteresis)
        pooled = pooled_segments(part.frame, thresholds, RATE, part.durations)
        whole = active_segments(pooled, part.clip, chosen)
        expected = {
            "hysteresis": part.named(events_of(grown, RATE, CLASSES, part.durations)),
            "class_thresholds": part.named(events_of(whole, 2, CLASSES, part.durations)),
        }
        for name, estimated in expected.items():
            assert any(estimated.values())
            by_segment = segment_metrics(part.reference, estimated, CLASSES, settings.evaluation.segment_based)
            by_event = event_metrics(part.reference, estimated, CLASSES, settings.evaluation.event_based)
            by_tag = tagging_f1(part.targets, list(estimated.values()), CLASSES)
            metrics, of_classes = (
                by_segment[key] | by_event[key] | by_tag[key] for key in ("metrics", "class_metrics")
            )
            if name == "class_thresholds":
                tagged = clip_f1(part.targets, part.clip, CLASSES, chosen)
                metrics, of_classes = metrics | tagged["metrics"], of_classes | tagged["class_metrics"]
            assert found.splits[split].detections[name].metrics == metrics
            assert found.splits[split].detections[name].class_metrics == of_classes
        searched = found.splits[split].detections["search"].metrics
        assert {name.partition("_")[0] for name in searched} == {"segment", "event", "tagging"}
        assert list(found.splits[split].detections) == list(THREE)


def test_metrics_of_clips_and_frames_belong_to_the_split_and_not_to_a_way_of_detection(tmp_path: Path):
    config, clips = configured(tmp_path), random_clips()
    folder, found = write(config, clips), score(config)
    evaluation = loaded(config).settings.evaluation
    for split in SPLITS:
        part, given = Part(folder, clips, split), found.splits[split]
        ranked = clip_metrics(part.targets, part.clip, CLASSES)
        tagged = clip_f1(part.targets, part.clip, CLASSES, evaluation.clip_level.threshold)
        reference = list(part.reference.values())
        by_frame = frame_metrics(
            part.frame, part.clip, reference, CLASSES, evaluation.frame_level, RATE, part.durations
        )
        for key in ("metrics", "class_metrics"):
            assert getattr(given, key) == ranked[key] | tagged[key] | by_frame[key]
        for detection in given.detections.values():
            assert not [name for name in detection.metrics if name.startswith("frame_")]
    assert found.splits["testing"].metrics != found.splits["evaluation"].metrics


def test_detected_events_are_listed_by_way_and_split(tmp_path: Path):
    config, clips = configured(tmp_path), random_clips()
    folder, _ = write(config, clips), score(config)
    rows = read_table(folder / "detected.tsv", DETECTED_COLUMNS)
    assert list(dict.fromkeys((row["detection"], row["split"]) for row in rows)) == [
        (name, split) for name in THREE for split in SPLITS
    ]
    part = Part(folder, clips, "evaluation")
    active = hysteresis_active(part.frame, part.clip, loaded(config).settings.detection["hysteresis"])
    expected = part.named(events_of(active, RATE, CLASSES, part.durations))
    listed = [row for row in rows if (row["detection"], row["split"]) == ("hysteresis", "evaluation")]
    assert [(row["filename"], float(row["onset"]), float(row["offset"]), row["event_label"]) for row in listed] == [
        (name, e.onset, e.offset, e.event_label) for name, of_clip in expected.items() for e in of_clip
    ]
    whole = [row for row in rows if row["detection"] == "class_thresholds"]
    assert all(float(row["onset"]) * 2 == int(float(row["onset"]) * 2) for row in whole)


def test_f1_of_clips_is_at_the_threshold_of_the_settings(tmp_path: Path):
    config, clips = configured(tmp_path, evaluation__clip_level__threshold=0.25), random_clips()
    folder, found = write(config, clips), score(config)
    for split in SPLITS:
        part = Part(folder, clips, split)
        decided = part.clip >= np.float32(0.25)
        assert decided.any() and not decided.all()
        for metric, average in (("clip_f1", "macro"), ("clip_micro_f1", "micro")):
            expected = f1_score(part.targets, decided, average=average)
            assert found.splits[split].metrics[metric] == pytest.approx(expected, abs=1e-6)


def test_metrics_files_say_how_large_the_network_is_and_how_it_was_evaluated(tmp_path: Path):
    config = configured(tmp_path)
    folder, found = write(config, random_clips()), score(config)
    assert found.parameters == 12345
    written = json.loads((folder / "metrics.json").read_text())
    assert written["evaluation"] == loaded(config).settings.evaluation.model_dump(mode="json")
    assert written["evaluation"]["event_based"]["collar_seconds"] == 0.2


def test_scoring_twice_gives_equal_bytes(tmp_path: Path):
    config = configured(tmp_path)
    folder, written = write(config, random_clips()), []
    for _ in range(2):
        score(config)
        written.append([(folder / name).read_bytes() for name in SCORE_FILES])
    assert written[0] == written[1]


# --- hysteresis: nothing is chosen


def test_hysteresis_is_what_the_settings_say_whatever_the_labels(tmp_path: Path):
    listed = []
    for name in ("labelled", "silent"):
        config = configured(tmp_path / name, {"hysteresis": HYSTERESIS})
        clips = random_clips()
        clips = clips if name == "labelled" else [(*clip[:3], [], clip[4]) for clip in clips]
        folder, found = write(config, clips), score(config)
        for split in found.splits.values():
            assert split.detections["hysteresis"].settings == {k: v for k, v in HYSTERESIS.items() if k != "kind"}
        listed.append((folder / "detected.tsv").read_bytes())
    assert listed[0] == listed[1]
    assert found.splits["testing"].detections["hysteresis"].metrics["event_f1"] is None  # without reference


def test_hysteresis_of_a_mixed_corpus_has_its_only_split(tmp_path: Path):
    config, clips = configured(tmp_path), random_clips(splits=("development",))
    folder, found = write(config, clips, MIXED), score(config, MIXED)
    assert list(found.splits) == ["development"]
    assert list(found.splits["development"].detections) == ["hysteresis"]  # the others are for another corpus
    assert {row["detection"] for row in read_table(folder / "detected.tsv", DETECTED_COLUMNS)} == {"hysteresis"}


# --- thresholds per class: chosen on one split


def planted(testing: float, evaluation: float) -> list[Clip]:
    """In each split two clips with a train, which scores so much, and two without, which score half of it."""
    made = []
    for split, level in (("testing", testing), ("evaluation", evaluation)):
        for number in range(4):
            frame = np.full((FRAMES, len(CLASSES)), 0.01)
            frame[:, 2] = level if number < 2 else level / 2
            made.append((split, frame.mean(axis=0), frame, [Event(0, SECONDS, "Train")] * (number < 2), SECONDS))
    return made


def test_class_thresholds_are_chosen_on_one_split_and_frozen_on_the_other(tmp_path: Path):
    config = configured(tmp_path, {"class_thresholds": THRESHOLDS})
    write(config, planted(0.8, 0.4))
    splits = score(config).splits
    testing, evaluation = (splits[name].detections["class_thresholds"] for name in SPLITS)
    assert testing.settings == evaluation.settings
    assert list(testing.settings) == list(CLASSES)
    assert testing.settings["Train"] == pytest.approx(0.6)
    assert testing.settings["Car"] == UNREACHABLE  # never heard, best never found
    assert (testing.metrics["clip_micro_f1"], testing.metrics["segment_f1"], testing.metrics["event_f1"]) == (1, 1, 1)
    assert (evaluation.metrics["clip_micro_f1"], evaluation.metrics["segment_f1"]) == (0, 0)
    # At the fixed threshold of the settings, 0.1, the clips without a train are false alarms.
    assert splits["testing"].metrics["clip_micro_f1"] == pytest.approx(2 / 3, abs=1e-6)


def test_class_thresholds_choose_on_the_split_that_the_settings_name(tmp_path: Path):
    config = configured(tmp_path, {"class_thresholds": THRESHOLDS | {"choose_on": "evaluation"}})
    write(config, planted(0.8, 0.4))
    splits = score(config).splits
    testing, evaluation = (splits[name].detections["class_thresholds"] for name in SPLITS)
    assert testing.settings["Train"] == evaluation.settings["Train"] == pytest.approx(0.3)
    assert evaluation.metrics["clip_micro_f1"] == 1
    assert testing.metrics["clip_micro_f1"] == pytest.approx(2 / 3, abs=1e-6)


def test_a_split_without_a_label_to_choose_thresholds_on_is_an_error_of_one_line(tmp_path: Path):
    config = configured(tmp_path, {"class_thresholds": THRESHOLDS})
    clips = [(*clip[:3], clip[3] if clip[0] == "evaluation" else [], clip[4]) for clip in random_clips()]
    folder = write(config, clips)
    with pytest.raises(DataError, match="has no label; name another one in choose_on") as caught:
        score(config)
    assert "\n" not in str(caught.value)
    assert not any((folder / name).exists() for name in SCORE_FILES)


# --- where a way of detection, or all of it, is absent


def test_a_corpus_without_a_way_of_detection_still_has_metrics_of_frames(tmp_path: Path):
    config = configured(tmp_path, {"hysteresis": HYSTERESIS | {"corpora": ["remix"]}})
    clips = random_clips()
    folder, found = write(config, clips), score(config)
    for split in SPLITS:
        assert found.splits[split].detections == {}
        assert found.splits[split].metrics["frame_macro_ap"] > 0
    assert read_table(folder / "detected.tsv", DETECTED_COLUMNS) == []
    write(config, clips, without=("frame",))
    with pytest.raises(DataError, match="holds no frame scores"):
        score(config)


def test_a_paper_without_detection_has_ranking_metrics_of_clips_alone(tmp_path: Path):
    who = RunIdentity("two_step_attention", "vgg_gap", "remix_0db", 1, 1)
    config, clips = configured(tmp_path, None, who.paper), random_clips(splits=("development",))
    folder, found = write(config, clips, who, without=("frame",)), score(config, who)
    split = found.splits["development"]
    assert set(split.metrics) == {"micro_ap", "macro_ap", "roc_auc"}
    assert set(split.class_metrics) == {"average_precision", "roc_auc"}
    assert split.detections == {}
    assert (folder / "detected.tsv").read_text() == "\t".join(DETECTED_COLUMNS) + "\n"


# --- subsets of a split, and windows from the events of the training clips

DOMESTIC = RunIdentity("c_ssed", "power", "dcase2019", 0, 1)
SUBSET = "eval2018"
PART = tuple(range(1, 12, 3))
WINDOWS = {"kind": "median", "threshold": 0.5, "filters": "decisions", "border": "reflect"}
WINDOWS |= {"windows": {"kind": "average", "share": 0.5}}
# Strongly labelled clips that train: trains last 2 s on average, cars 1 s; nothing else is heard.
TRAINED = {
    "a": [Event(0, 3, "Train"), Event(4, 4.5, "Car")],
    "b": [Event(1, 2, "Train"), Event(0, 1.5, "Car")],
    "c": [],
}


def domestic(folder: Path, detection=None) -> Config:
    """A configuration of the paper whose corpus has a subset, strong training clips and a coarse grid of frames."""
    return configured(folder, detection or {"windows": WINDOWS}, DOMESTIC.paper)


def write_domestic(config: Config, clips: list[Clip], subset=PART, **training: list[Event]) -> Path:
    """A run's files and the tables of its corpus: clips to score, some of them a subset, and strong ones that train."""
    folder = write(config, clips, DOMESTIC)
    described = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", described | {"expected_by_split": {"validation": 20, SUBSET: 7, "weak": 50}})
    held_out = {f"{number}.wav": clip[3] for number, clip in enumerate(clips)}
    splits = dict.fromkeys(held_out, "validation") | dict.fromkeys(training, "synthetic") | {"w": "weak"}
    strong = [
        row
        for name, found in (held_out | training | {"w": [Event(0, 5, "Train")]}).items()
        for row in ([(name, e.onset, e.offset, e.event_label) for e in found] or [(name, "", "", "")])
    ]
    write_tables(
        corpus_folder(config, load_paper(DOMESTIC.paper, config), "dcase2019"),
        clips=[(name, split, 0, SECONDS, name) for name, split in splits.items()],
        weak=[],
        strong=strong,
        subsets=[(SUBSET, f"{number}.wav") for number in subset],
    )
    return folder


def test_a_subset_has_the_metrics_of_its_clips_alone(tmp_path: Path):
    clips = random_clips(5, 12, splits=("validation",))
    both, alone = domestic(tmp_path / "both"), domestic(tmp_path / "alone")
    folder = write_domestic(both, clips, **TRAINED)
    found = score(both, DOMESTIC)
    assert list(found.splits) == ["validation", SUBSET]
    write_domestic(alone, [clips[number] for number in PART], range(len(PART)), **TRAINED)
    expected = score(alone, DOMESTIC)
    for split in (expected.splits["validation"], expected.splits[SUBSET]):
        for key in ("metrics", "class_metrics", "detections", "classes_without_events"):
            assert getattr(found.splits[SUBSET], key) == getattr(split, key), key
    assert found.splits["validation"].metrics != found.splits[SUBSET].metrics
    assert {name: (split.clips, split.clips_expected) for name, split in found.splits.items()} == {
        "validation": (12, 20),
        SUBSET: (4, 7),
    }
    listed = read_table(folder / "detected.tsv", DETECTED_COLUMNS)
    assert {row["split"] for row in listed} == {"validation"}  # each event once
    keys = [tuple(row.values()) for row in listed]
    assert len(keys) == len(set(keys)) > 0
    assert {f"{number}.wav" for number in PART} & {row["filename"] for row in listed}


def test_a_subset_of_all_clips_has_the_metrics_of_the_split(tmp_path: Path):
    config, clips = domestic(tmp_path), random_clips(5, 12, splits=("validation",))
    write_domestic(config, clips, range(12), **TRAINED)
    splits = score(config, DOMESTIC).splits
    assert splits[SUBSET].model_dump(exclude={"clips_expected"}) == splits["validation"].model_dump(
        exclude={"clips_expected"}
    )


def test_a_subset_without_a_scored_clip_is_an_error_of_one_line(tmp_path: Path):
    config = domestic(tmp_path)
    folder = write_domestic(config, random_clips(5, 12, splits=("validation",)), [40], **TRAINED)
    with pytest.raises(DataError, match=f"no clip of subset {SUBSET}") as caught:
        score(config, DOMESTIC)
    assert "\n" not in str(caught.value)
    assert not any((folder / name).exists() for name in SCORE_FILES)


def test_average_windows_follow_the_strong_clips_that_train_and_no_others(tmp_path: Path):
    config = domestic(tmp_path)
    write_domestic(config, random_clips(5, 12, splits=("validation",)), **TRAINED)
    splits = score(config, DOMESTIC).splits
    for split in splits.values():
        used = split.detections["windows"].class_metrics
        # Half of 1 s and of 2 s, as odd numbers of frames of 0.1 s; a class that is not heard has their mean, 0.75 s.
        frames = {"Car": 5, "Train": 11, CLASSES[1]: median_window(0.75, RATE)}
        assert used["median_seconds"] == {name: pytest.approx(number / RATE) for name, number in frames.items()}
        assert used["median_events"] == {"Car": 2, "Train": 2, CLASSES[1]: 0}


def test_windows_without_strong_clips_that_train_are_refused_in_one_line(tmp_path: Path):
    config = domestic(tmp_path)
    write_domestic(config, random_clips(5, 12, splits=("validation",)))
    with pytest.raises(SettingsError, match="no training clip has any") as caught:
        score(config, DOMESTIC)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["class", "clip"])
def test_labels_of_training_clips_that_do_not_fit_are_an_error_of_one_line(tmp_path: Path, damage: str):
    config = domestic(tmp_path)
    trained = {"a": [Event(0, 1, "Boat")]} if damage == "class" else TRAINED
    write_domestic(config, random_clips(5, 12, splits=("validation",)), **trained)
    path = corpus_folder(config, load_paper(DOMESTIC.paper, config), "dcase2019") / "strong.tsv"
    if damage == "clip":
        path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("a\t")))
    with pytest.raises(DataError) as caught:
        score(config, DOMESTIC)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
