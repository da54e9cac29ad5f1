"""Scoring of a run by hand: metrics split by split, and post-processing chosen on one split and used on all."""

import json
from pathlib import Path

import numpy as np
import pytest
import sed_eval
from run_config_example import run_config
from sklearn.metrics import average_precision_score, roc_auc_score

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table, write_json
from sedrepro.corpora.tables import write_tables
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.runs import RunIdentity
from sedrepro.steps import score as scoring
from sedrepro.steps.score import DETECTED_COLUMNS, SCORE_FILES

PAPER = "hierarchical_pooling"
WHO = RunIdentity(PAPER, "linear_single", "dcase2017", 0, 1)
CLASSES = ("Car", "Fire engine, fire truck (siren)", "Train")
RATE, FRAMES = 10.0, 50
SECONDS = FRAMES / RATE
WAYS = ("lowest_error_rate", "highest_f1")
GRID = {"thresholds": [0.3, 0.6], "median_seconds": [0, 0.5], "longest_gap_seconds": [0], "shortest_seconds": [0, 0.4]}


def configured(folder: Path, **changes) -> Config:
    """A configuration with a grid of eight; `changes` go to the paper's settings, with __ for a dot."""
    small = {f"detection.{way}.{key}": values for way in WAYS for key, values in GRID.items()}
    small |= {"front_end.hop_length": 1600}  # as many feature frames per second as frames of scores
    small |= {key.replace("__", "."): value for key, value in changes.items()}
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "set": {PAPER: small}}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


class Run:
    """A run's folder and its corpus' strong labels, in the making."""

    def __init__(self) -> None:
        self.clips: list[tuple[str, str, float]] = []
        self.frame: list[np.ndarray] = []
        self.strong: dict[str, list[Event]] = {}
        self.described = {
            "classes": list(CLASSES),
            "data": {"dcase2017_task4": {"expected": 41, "usable": 40, "fingerprint": "f" * 64}},
        }

    def add(self, name: str, split: str, frame: np.ndarray, events=(), duration: float = SECONDS) -> None:
        """A clip, its frame scores (frame, class) and its events."""
        self.clips.append((name, split, duration))
        self.frame.append(frame)
        self.strong[name] = list(events)

    def arrays(self) -> dict[str, np.ndarray]:
        """What scores.npz holds; a clip's score is the mean of its frames."""
        names, splits, durations = zip(*self.clips, strict=True)
        frame = np.stack(self.frame).astype(np.float16)
        of_clips = [{event.event_label for event in self.strong.get(name, ())} for name in names]
        return {
            "clip": frame.astype(np.float32).mean(axis=1),
            "targets": np.array([[label in labels for label in CLASSES] for labels in of_clips], dtype=np.uint8),
            "filenames": np.array(names),
            "splits": np.array(splits),
            "durations": np.array(durations),
            "frames_per_second": np.array(RATE),
            "mean": np.zeros(4, dtype=np.float32),
            "deviation": np.ones(4, dtype=np.float32),
            "frame": frame,
        }

    def write(self, config: Config, without: tuple[str, ...] = (), **arrays) -> Path:
        """Write all of it; some arrays may be left out or be other ones. Returns the run's folder."""
        folder = WHO.folder(config)
        folder.mkdir(parents=True, exist_ok=True)
        kept = {name: array for name, array in (self.arrays() | arrays).items() if name not in without}
        np.savez(folder / "scores.npz", **kept)
        described = run_config(config, WHO).model_dump(mode="json") | self.described
        write_json(folder / "config.json", described)
        rows = [
            row
            for name, events in self.strong.items()
            for row in ([(name, e.onset, e.offset, e.event_label) for e in events] or [(name, "", "", "")])
        ]
        clips = [(name, split, 0, duration, name) for name, split, duration in self.clips]
        write_tables(strong_file(config).parent, clips, [], rows)
        return folder


def strong_file(config: Config) -> Path:
    return corpus_folder(config, load_paper(PAPER, config), "dcase2017") / "strong.tsv"


def score(config: Config):
    return read_metrics(scoring.score(load_paper(PAPER, config), WHO, config))


def refused(config: Config, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        score(config)
    assert "\n" not in str(caught.value)
    assert not any((WHO.folder(config) / name).exists() for name in SCORE_FILES)
    return str(caught.value)


def random_run(seed: int = 0, clips: int = 12) -> Run:
    """Clips of two splits in turn, with random events, and scores that know a little of them."""
    random, made = np.random.default_rng(seed), Run()
    for number in range(clips):
        split = ("testing", "evaluation")[number % 2]
        duration = SECONDS if random.random() < 0.7 else float(random.uniform(1.5, SECONDS))
        events, frame = [], random.normal(0.2, 0.15, (FRAMES, len(CLASSES)))
        for label, name in enumerate(CLASSES):
            if (number + label) % 3 == 0:
                onset, offset = sorted(random.uniform(0, duration, 2))
                events.append(Event(round(onset, 3), round(offset, 3), name))
                frame[int(onset * RATE) : int(np.ceil(offset * RATE)), label] += random.uniform(0, 0.5)
        made.add(f"audio/{number}.wav", split, frame.clip(0.01, 0.99), events, duration)
    return made


# --- split by split


def test_clip_metrics_are_those_of_each_splits_clips(tmp_path: Path):
    config, made = configured(tmp_path), random_run()
    made.write(config)
    found, arrays = score(config), made.arrays()
    assert list(found.splits) == ["testing", "evaluation"]
    for name, split in found.splits.items():
        rows = arrays["splits"] == name
        t, s = arrays["targets"][rows], arrays["clip"][rows]
        assert split.clips == rows.sum() == 6
        assert split.metrics == {
            "micro_ap": pytest.approx(average_precision_score(t, s, average="micro"), abs=1e-6),
            "macro_ap": pytest.approx(average_precision_score(t, s, average="macro"), abs=1e-6),
            "roc_auc": pytest.approx(roc_auc_score(t, s, average="macro"), abs=1e-6),
        }
        assert list(split.detections) == list(WAYS)
    assert found.splits["testing"].metrics != found.splits["evaluation"].metrics


def test_metrics_say_which_run_and_which_evaluation(tmp_path: Path):
    config = configured(tmp_path)
    folder = random_run().write(config)
    found = score(config)
    assert (found.paper, found.system, found.variant, found.fold, found.seed) == tuple(vars(WHO).values())
    assert (found.clips, found.clips_expected, found.classes) == (40, 41, list(CLASSES))
    written = json.loads((folder / "metrics.json").read_text())
    assert written["evaluation"]["segment_based"]["segment_seconds"] == 1
    assert {path.name for path in folder.iterdir()} == {"config.json", "scores.npz", *SCORE_FILES}


def test_scoring_twice_gives_equal_bytes(tmp_path: Path):
    config = configured(tmp_path)
    folder = random_run().write(config)
    written = []
    for _ in range(2):
        score(config)
        written.append([(folder / name).read_bytes() for name in SCORE_FILES])
    assert written[0] == written[1]


# --- chosen on one split, used on all


def planted() -> Run:
    """Testing clips want the threshold 0.6, evaluation clips 0.3."""
    made = Run()
    for number in range(4):
        loud, quiet = np.full((2, FRAMES, len(CLASSES)), 0.1)
        loud[:, 0] = 0.5  # a false alarm at the lower threshold
        loud[10:30, 2] = 0.8
        quiet[10:30, 2] = 0.4
        event = [Event(1.0, 3.0, "Train")]
        made.add(f"e{number}.wav", "evaluation", quiet, event)
        made.add(f"t{number}.wav", "testing", loud, event)
    return made


@pytest.mark.parametrize("way", WAYS)
def test_post_processing_is_chosen_on_the_split_that_the_settings_name(tmp_path: Path, way: str):
    other = next(each for each in WAYS if each != way)
    config = configured(tmp_path, **{f"detection__{other}__choose_on": "evaluation"})
    planted().write(config)
    found = score(config)
    thresholds = {name: {s: p.detections[name].settings["threshold"] for s, p in found.splits.items()} for name in WAYS}
    assert thresholds == {
        way: {"testing": 0.6, "evaluation": 0.6},
        other: {"testing": 0.3, "evaluation": 0.3},
    }
    values = {(name, split): part.detections[name].metrics for name in WAYS for split, part in found.splits.items()}
    # Chosen on testing: all of testing is right, nothing of evaluation is found.
    assert (values[way, "testing"]["segment_error_rate"], values[way, "testing"]["segment_f1"]) == (0, 1)
    assert values[way, "evaluation"]["segment_deletion_rate"] == 1
    assert values[way, "evaluation"]["segment_f1"] == 0
    # Chosen on evaluation: the false alarms of testing stay, five segments for two.
    assert values[other, "evaluation"]["segment_error_rate"] == 0
    assert values[other, "testing"]["segment_insertion_rate"] == 2.5
    assert values[other, "testing"]["segment_recall"] == 1


def test_the_two_criteria_may_choose_differently(tmp_path: Path):
    config, made = configured(tmp_path), Run()
    frame = np.full((FRAMES, len(CLASSES)), 0.1)
    frame[:20, 2] = 0.7  # right at both thresholds
    frame[20:40, 2] = 0.4  # right at the lower one
    frame[:30, 0] = 0.4  # wrong there
    # Of four segments: ER 2/4 and F1 2/3 at 0.6, ER 3/4 and F1 8/11 at 0.3.
    for split in ("testing", "evaluation"):
        made.add(f"{split}.wav", split, frame, [Event(0, 4, "Train")])
    made.write(config)
    for split in score(config).splits.values():
        by_rate, by_f1 = (split.detections[way] for way in WAYS)
        assert (by_rate.settings["threshold"], by_f1.settings["threshold"]) == (0.6, 0.3)
        assert by_rate.metrics["segment_error_rate"] == 0.5
        assert by_f1.metrics["segment_f1"] == pytest.approx(8 / 11, abs=1e-6)


# --- detected.tsv


def reported(split) -> dict[str, float]:
    return {name: split.metrics[f"segment_{name}"] for name in ("error_rate", "f1", "precision", "recall")}


@pytest.mark.parametrize("seed", range(4))
def test_detected_events_give_the_reported_metrics(tmp_path: Path, seed: int):
    config, made = configured(tmp_path), random_run(seed)
    folder = made.write(config)
    found = score(config)
    rows = read_table(folder / "detected.tsv", DETECTED_COLUMNS)
    assert {(row["detection"], row["split"]) for row in rows} == {(w, s) for w in WAYS for s in found.splits}
    for way in WAYS:
        for split, part in found.splits.items():
            counted = sed_eval.sound_event.SegmentBasedMetrics(list(CLASSES), 1.0)
            for name in (clip for clip, of_split, _ in made.clips if of_split == split):
                mine = [row for row in rows if (row["detection"], row["split"], row["filename"]) == (way, split, name)]
                counted.evaluate(
                    [vars(event) for event in made.strong[name]],
                    [
                        {
                            "onset": float(row["onset"]),
                            "offset": float(row["offset"]),
                            "event_label": row["event_label"],
                        }
                        for row in mine
                    ],
                )
            rates, scores = counted.overall_error_rate(), counted.overall_f_measure()
            assert reported(part.detections[way]) == pytest.approx(
                {
                    "error_rate": rates["error_rate"],
                    "f1": scores["f_measure"],
                    "precision": scores["precision"],
                    "recall": scores["recall"],
                },
                abs=1e-6,
            )


def test_detected_events_end_with_their_clip_and_are_in_order(tmp_path: Path):
    config, made = configured(tmp_path), planted()
    loud = np.full((FRAMES, len(CLASSES)), 0.1)
    loud[5:10, 2] = loud[20:, 2] = 0.9  # padding that sounds, so to say
    loud[40:, 0] = 0.9
    made.add("short.wav", "testing", loud, [Event(0.5, 3.25, "Train")], duration=3.25)
    folder = made.write(config)
    score(config)
    rows = [
        tuple(row[key] for key in DETECTED_COLUMNS) for row in read_table(folder / "detected.tsv", DETECTED_COLUMNS)
    ]
    for way in WAYS:
        assert [row[3:] for row in rows if row[0] == way and row[2] == "short.wav"] == [
            ("0.5", "1.0", "Train"),
            ("2.0", "3.25", "Train"),
        ]


# --- what is missing or wrong


def test_a_run_without_frame_scores_is_named(tmp_path: Path):
    config = configured(tmp_path)
    folder = random_run().write(config, without=("frame",))
    assert refused(config) == (f"{folder}/scores.npz: holds no frame scores to detect events in; train this run again")


@pytest.mark.parametrize(("count", "named"), [(1, "audio/1.wav of split"), (3, "audio/1.wav and 2 more of split")])
def test_held_out_clips_without_strong_labels_are_named(tmp_path: Path, count: int, named: str):
    config, made = configured(tmp_path), random_run()
    arrays = made.arrays()
    for number in range(count):
        del made.strong[f"audio/{2 * number + 1}.wav"]
    made.write(config, **arrays)
    assert refused(config) == (
        f"{strong_file(config)}: lacks {named} 'evaluation'; events are scored where all clips have strong labels"
    )


def test_clips_that_hold_no_event_are_strongly_labelled(tmp_path: Path):
    config, made = configured(tmp_path), planted()
    quiet = np.full((FRAMES, len(CLASSES)), 0.05)
    made.add("nothing.wav", "testing", quiet)
    made.write(config)
    assert score(config).splits["testing"].detections["highest_f1"].metrics["segment_f1"] == 1


def test_a_split_to_choose_on_that_was_not_scored_is_named(tmp_path: Path):
    config, made = configured(tmp_path), random_run()
    made.write(config, splits=np.array(["testng", "evaluation"] * 6))
    message = refused(config, SettingsError)
    assert message == (
        "hierarchical_pooling: detection.lowest_error_rate.choose_on = testing: no held-out split; "
        "did you mean 'testng'?"
    )


def test_a_split_to_choose_on_without_events_is_named(tmp_path: Path):
    config, made = configured(tmp_path), random_run()
    made.strong = {name: [] if int(name[6:-4]) % 2 == 0 else found for name, found in made.strong.items()}
    made.write(config)
    assert "split 'testing': has no event to choose the post-processing on" in refused(config)


def test_a_strong_label_of_a_class_that_the_run_does_not_know_is_named(tmp_path: Path):
    config, made = configured(tmp_path), random_run()
    arrays = made.arrays()
    made.strong["audio/3.wav"].append(Event(0, 1, "Bus"))
    made.write(config, **arrays)
    assert refused(config).startswith(
        f"{strong_file(config)}: audio/3.wav: class 'Bus' is not one of the run's classes"
    )


def test_strong_labels_of_clips_that_were_not_held_out_do_not_matter(tmp_path: Path):
    scored = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        config, made = configured(folder), random_run()
        arrays = made.arrays()
        if scored:
            made.strong["training.wav"] = [Event(0, 1, "Bus")]
        made.write(config, **arrays)
        scored.append(score(config).splits)
    assert scored[0] == scored[1]


@pytest.mark.parametrize(
    "damage",
    [
        {"without": ("clip",)},
        {"without": ("splits",)},
        {"without": ("durations",)},
        {"without": ("frames_per_second",)},
        {"clip": np.zeros((12, 2))},
        {"clip": np.zeros((11, 3))},
        {"targets": np.zeros((12, 5))},
        {"filenames": np.array([f"audio/{n}.wav" for n in range(14)])},
        {"frame": np.zeros((9, FRAMES, 3))},
        {"frame": np.zeros((20, FRAMES, 3))},
        {"frame": np.zeros((12, FRAMES, 4))},
        {"frame": np.zeros((12, FRAMES))},
        {"durations": np.zeros(3)},
        {"splits": np.array("testing")},
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_name_the_run(tmp_path: Path, damage: dict):
    config = configured(tmp_path)
    folder = random_run().write(config, **damage)
    message = refused(config)
    assert message.startswith(str(folder))
    assert message.endswith("train this run again")


@pytest.mark.parametrize("name", ["scores.npz", "config.json"])
@pytest.mark.parametrize("content", [None, b"", b"no archive", b"[1, 2]"])
def test_damaged_files_of_the_run_are_named(tmp_path: Path, name: str, content: bytes | None):
    config = configured(tmp_path)
    path = random_run().write(config) / name
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    message = refused(config)
    assert message.startswith(str(path if content != b"[1, 2]" or name == "scores.npz" else path.parent))


@pytest.mark.parametrize("content", [None, "", "filename\tonset\toffset\n", "404 not found\n"])
def test_missing_and_damaged_strong_labels_are_named(tmp_path: Path, content: str | None):
    config = configured(tmp_path)
    random_run().write(config)
    path = strong_file(config)
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert refused(config).startswith(f"{path}: ")


@pytest.mark.parametrize("data", [0, {"dcase2017_task4": {"usable": 3}}])
def test_a_damaged_description_is_named(tmp_path: Path, data):
    made = random_run()
    made.described["data"] = data
    config = configured(tmp_path)
    made.write(config)
    with pytest.raises(DataError, match=r"config.json: key 'data.*; train this run again"):
        score(config)
    assert not (WHO.folder(config) / "metrics.json").exists()


# --- what the run stored, not what the settings of today say


@pytest.mark.parametrize(("key", "value"), [("hop_length", 500), ("n_mels", 17)])
def test_a_run_of_another_front_end_is_not_scored_as_if_it_were_of_this_one(tmp_path: Path, key: str, value: int):
    random_run().write(configured(tmp_path))
    message = refused(configured(tmp_path, **{f"front_end__{key}": value}))
    assert "was trained with a front end that differs from the settings" in message
    assert f"{key} " in message and f", not {value}" in message


def test_a_run_of_another_corpus_is_not_scored_against_the_labels_of_this_one(tmp_path: Path):
    config, made = configured(tmp_path), random_run()
    corpus = run_config(config, WHO).corpus
    made.described["corpus"] = corpus | {"held_out": corpus["held_out"][:1]}
    made.write(config)
    assert "was trained on a corpus that differs from the settings (held_out)" in refused(config)
