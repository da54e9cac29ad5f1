"""The sweep over ways of post-processing, on small runs made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_config_example import run_config

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError
from sedrepro.corpora.tables import write_tables
from sedrepro.detection.settings import Hysteresis
from sedrepro.evaluation import sweep_counts
from sedrepro.evaluation.averages import mean_of_defined
from sedrepro.evaluation.settings import Evaluation
from sedrepro.evaluation.sweep import EVENT_BASED, METRICS, SEGMENT_BASED, WAYS
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.experiments.places import corpus_folder, sweep_part
from sedrepro.experiments.run_config import write_run_config
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.sweep_counts import SWEEP_COUNTS, read_sweep_counts, write_sweep_counts
from sedrepro.published.needs import table_runs
from sedrepro.reporting.sweep.parts import PART_COLUMNS
from sedrepro.steps import score as scoring
from sedrepro.steps import sweep
from sedrepro.steps.sweep import sweep_runs

CLASSES = ("Cat", "Dog", "Speech")
RATE, FRAMES, SECONDS = 10.0, 100, 10.0
SEMI, OFFICIAL, REMIX = "c_ssed", "hierarchical_pooling", "two_step_attention"
RUNS = {
    SEMI: RunIdentity(SEMI, "power", "dcase2019", 0, 1),
    OFFICIAL: RunIdentity(OFFICIAL, "linear_single", "dcase2017", 0, 1),
    REMIX: RunIdentity(REMIX, "vgg_gap", "remix_0db", 1, 1),
}
HELD_OUT = {SEMI: ["validation"], OFFICIAL: ["testing", "evaluation"], REMIX: ["development"]}
#: What the sweep holds all ways to, for scoring by sed_eval.
EVALUATION = Evaluation(segment_based=SEGMENT_BASED, event_based=EVENT_BASED)
FOLLOWING = ("class_average", "event_specific")


def configured(folder: Path, paper: str, **changes) -> Config:
    """A configuration in which a paper has three classes, and its runs scores at 10 per second."""
    values = {"classes": list(CLASSES), "front_end.sample_rate": 16000, "front_end.hop_length": 800} | changes
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "papers": [paper], "set": {paper: values}}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


class Made:
    """Runs of a paper and the corpus that they share, in the making."""

    def __init__(self, folder: Path, paper: str, **changes) -> None:
        self.config = configured(folder, paper, **changes)
        self.paper = load_paper(paper, self.config)
        self.who = RUNS[paper]
        self.clips: list[tuple[str, str, int]] = []
        self.strong: dict[str, list[Event]] = {}
        self.scores: dict[str, np.ndarray] = {}

    def train(self, name: str, split: str, fold: int, events=None) -> None:
        """A clip to train on, with its events where it has strong labels."""
        self.clips.append((name, split, fold))
        if events is not None:
            self.strong[name] = events

    def held_out(self, seed: int = 0, clips: int = 6, fold: int = 0) -> None:
        """Clips of every held-out split, with random events and scores that know a little of them."""
        random = np.random.default_rng(seed)
        for split in HELD_OUT[self.paper.name]:
            for number in range(clips):
                name, scores = f"{split}/{fold}_{number}.wav", random.normal(0.25, 0.2, (FRAMES, len(CLASSES)))
                label = number % len(CLASSES)
                onset = round(float(random.uniform(0, 6)), 3)
                self.clips.append((name, split, fold))
                self.strong[name] = [Event(onset, onset + 0.5 + label, CLASSES[label])]
                scores[int(onset * RATE) : int((onset + 0.5 + label) * RATE), label] += 0.45
                self.scores[name] = scores.clip(0.01, 0.99)

    def write(self, who: RunIdentity | None = None, without: tuple[str, ...] = (), shift: float = 0.0) -> Path:
        """Write the corpus, and a run whose scores are higher by `shift`; some arrays may be left out."""
        who = who or self.who
        corpus = corpus_folder(self.config, self.paper, self.paper.settings.corpus_of(who.variant)[0])
        rows = [
            row
            for name, events in self.strong.items()
            for row in ([(name, e.onset, e.offset, e.event_label) for e in events] or [(name, "", "", "")])
        ]
        write_tables(corpus, [(n, split, fold, SECONDS, n) for n, split, fold in self.clips], [], rows)
        chosen = [(n, split) for n, split, fold in self.clips if n in self.scores and fold == who.fold]
        names, splits = zip(*chosen, strict=True)
        frame = (np.stack([self.scores[name] for name in names]) + shift).clip(0, 1).astype(np.float16)
        labels = [{event.event_label for event in self.strong.get(name, ())} for name in names]
        arrays = {
            "clip": frame.astype(np.float32).mean(axis=1),
            "frame": frame,
            "targets": np.array([[label in found for label in CLASSES] for found in labels], dtype=np.uint8),
            "filenames": np.array(names),
            "splits": np.array(splits),
            "durations": np.full(len(names), SECONDS),
            "frames_per_second": np.array(RATE),
        }
        folder = who.folder(self.config)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "scores.npz", **{key: array for key, array in arrays.items() if key not in without})
        write_run_config(folder, run_config(self.config, who, classes=list(CLASSES)))
        return folder

    def swept(self, monkeypatch, *runs: RunIdentity) -> pd.DataFrame:
        """The part of the paper, as if its tables needed these runs alone; they are counted first."""
        monkeypatch.setattr(sweep, "sweep_runs", lambda config, paper: list(runs or [self.who]))
        for who in runs or [self.who]:
            self.count(who)
        path = sweep.sweep(self.config, self.paper)
        assert path == sweep_part(self.config, self.paper.name)
        return pd.read_csv(path, keep_default_na=False)

    def count(self, who: RunIdentity) -> None:
        """What scoring does for the sweep, whatever of the paper's own evaluation the run has no scores for."""
        settings, folder = self.paper.settings, who.folder(self.config)
        name = settings.corpus_of(who.variant)[0]
        corpus = corpus_folder(self.config, self.paper, name)
        front_end = settings.front_end_of(name)
        _, splits = scoring.held_out_scores(folder, self.strong, front_end)
        learnt = scoring.learnt_durations(settings.corpora[name], who.fold, corpus, self.strong, CLASSES)
        write_sweep_counts(folder, CLASSES, sweep_counts.trials(splits, front_end, learnt))


def values(part: pd.DataFrame) -> dict[tuple, float]:
    """Values by fold, seed, split, way and metric, where there is one."""
    known = part[part["value"] != ""]
    keys = zip(*(known[name] for name in ("fold", "seed", "split", "method", "metric")), strict=True)
    return dict(zip(keys, known["value"].astype(float), strict=True))


def semi_supervised(folder: Path, seed: int = 0, **changes) -> Made:
    """A corpus with strongly labelled clips to train on: short, middling and long events, by class."""
    made = Made(folder, SEMI, **changes)
    made.train("weak/0.wav", "weak", 0)
    made.train("unlabelled/0.wav", "unlabelled", 0)
    for number, seconds in enumerate((0.6, 0.8, 4.0)):
        events = [Event(1.0, 1.0 + seconds * (label + 1), name) for label, name in enumerate(CLASSES)]
        made.train(f"synthetic/{number}.wav", "synthetic", 0, events)
    made.held_out(seed)
    return made


# --- values


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_scoring_with_the_same_methods(tmp_path, monkeypatch, seed):
    front_end = load_paper(SEMI, configured(tmp_path, SEMI)).settings.front_end
    ways = {name: way.method(front_end).model_dump(mode="json") for name, way in WAYS.items()}
    evaluation = EVALUATION.model_dump(mode="json")
    changes = {"detection": ways, "evaluation": evaluation, "corpora.dcase2019.subsets": {}}
    made = semi_supervised(tmp_path, seed, **changes)
    made.write(shift=0.02 * seed)
    part = made.swept(monkeypatch)
    counted = (made.who.folder(made.config) / SWEEP_COUNTS).read_bytes()
    metrics = json.loads(scoring.score(made.paper, made.who, made.config).read_text())
    assert (made.who.folder(made.config) / SWEEP_COUNTS).read_bytes() == counted
    expected = {
        (0, 1, split, way, metric): found["metrics"][metric]
        for split, of_split in metrics["splits"].items()
        for way, found in of_split["detections"].items()
        for metric in METRICS
    }
    assert values(part) == expected
    assert len({tuple(expected[0, 1, "validation", way, metric] for metric in METRICS) for way in WAYS}) == len(WAYS)


def test_a_part_has_a_row_per_run_split_way_and_metric(tmp_path, monkeypatch):
    made = Made(tmp_path, OFFICIAL)
    made.train("training/0.wav", "training", 0)
    made.held_out()
    made.write()
    part = made.swept(monkeypatch)
    assert tuple(part.columns) == PART_COLUMNS
    assert len(part) == 2 * len(WAYS) * len(METRICS) == len(part.drop_duplicates(["split", "method", "metric"]))
    assert set(part["paper"]) == {OFFICIAL} and set(part["system"]) == {"linear_single"}


def test_folds_and_seeds_are_scored_each_by_itself(tmp_path, monkeypatch):
    made, runs = Made(tmp_path, REMIX), []
    for fold in (1, 2):
        made.held_out(fold, fold=fold)
    for fold, seed in ((1, 1), (1, 2), (2, 1)):
        runs.append(replace(made.who, fold=fold, seed=seed))
        made.write(runs[-1], shift=0.1 * seed)
    together = values(made.swept(monkeypatch, *runs))
    apart = [values(made.swept(monkeypatch, run)) for run in runs]
    assert together == apart[0] | apart[1] | apart[2]
    assert len(together) == len(runs) * len(WAYS) * len(METRICS)
    assert len({tuple(part.values()) for part in apart}) == len(runs)


def test_windows_follow_the_clips_that_train_only(tmp_path, monkeypatch):
    used = {}

    def spy(how, on, segment_seconds, durations):
        used.update({label: sorted(found) for label, found in durations.items()})
        return detector(how, on, segment_seconds, durations)

    detector = sweep_counts.detector
    monkeypatch.setattr(sweep_counts, "detector", spy)
    made = Made(tmp_path, REMIX)
    made.held_out(fold=1)
    made.train("2.wav", "development", 2, [Event(1, 2, "Cat"), Event(3, 6, "Dog")])
    made.train("3.wav", "development", 3, [Event(1, 1.5, "Cat")])
    made.write()
    made.swept(monkeypatch)
    assert used == {"Cat": [0.5, 1], "Dog": [3], "Speech": []}
    made.train("1.wav", "development", 1, [Event(0, 9, "Cat")])  # held out
    made.write()
    made.swept(monkeypatch)
    assert used["Cat"] == [0.5, 1]


# --- what cannot be tried


def test_without_strong_labels_to_train_on_windows_cannot_follow_durations(tmp_path, monkeypatch):
    made = Made(tmp_path, OFFICIAL)
    made.train("training/0.wav", "training", 0)
    made.held_out()
    made.write()
    part = made.swept(monkeypatch)
    follows = part["method"].isin(FOLLOWING)
    assert (part["value"][follows] == "").all() and (part["value"][~follows] != "").all()
    assert part["note"][follows].str.contains("no clip to train on has strong labels").all()
    assert (part["note"][~follows] == "").all()


def test_runs_without_frame_scores_are_told(tmp_path, monkeypatch):
    made = semi_supervised(tmp_path)
    made.write(without=("frame",))
    part = made.swept(monkeypatch)
    assert (part["value"] == "").all() and part["note"].str.contains("stores no frame scores").all()


def test_splits_without_strong_labels_are_told(tmp_path, monkeypatch):
    made = Made(tmp_path, OFFICIAL)
    made.held_out()
    del made.strong["testing/0_1.wav"]
    made.write()
    part = made.swept(monkeypatch)
    testing = part[part["split"] == "testing"]
    assert (testing["value"] == "").all()
    assert set(testing["note"]) == {"1 of 6 clips of the split have no strong labels"}
    fixed = part[(part["split"] == "evaluation") & (part["method"] == "fixed_window")]
    assert (fixed["value"] != "").all()


def test_splits_without_events_have_no_value(tmp_path, monkeypatch):
    made = Made(tmp_path, OFFICIAL)
    made.held_out()
    made.strong |= {name: [] for name in made.strong if name.startswith("testing")}
    made.write()
    part = made.swept(monkeypatch)
    fixed = part[(part["split"] == "testing") & (part["method"] == "fixed_window")]
    assert set(fixed["note"]) == {"no reference event"} and (fixed["value"] == "").all()


@pytest.mark.parametrize("damage", ["missing", "no number", "a column less"])
def test_counts_that_are_missing_or_damaged_are_named_in_one_line(tmp_path, monkeypatch, damage):
    made = semi_supervised(tmp_path)
    file = made.write() / SWEEP_COUNTS
    monkeypatch.setattr(sweep, "sweep_runs", lambda config, paper: [made.who])
    made.count(made.who)
    text = file.read_text()
    if damage == "missing":
        file.unlink()
    else:
        file.write_text(text.replace(",event,Cat,", ",event,Cat,x", 1) if damage == "no number" else text[3:])
    with pytest.raises(DataError) as caught:
        sweep.sweep(made.config, made.paper)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)
    assert not sweep_part(made.config, SEMI).exists()


def test_events_of_no_class_of_the_run_are_told_where_they_are_scored_and_left_out_of_windows(tmp_path, monkeypatch):
    made = semi_supervised(tmp_path)
    made.write()
    before = values(made.swept(monkeypatch))
    made.strong["synthetic/0.wav"].append(Event(0, 9, "Cow"))
    made.write()
    assert values(made.swept(monkeypatch)) == before
    made.strong["validation/0_0.wav"].append(Event(0, 1, "Cow"))
    made.write()
    part = made.swept(monkeypatch)
    assert (part["value"] == "").all()
    assert set(part["note"]) == {"a reference event is of class 'Cow', which the run does not know"}


def test_counts_are_read_as_they_were_written(tmp_path):
    made = semi_supervised(tmp_path)
    folder = made.write()
    made.count(made.who)
    read = read_sweep_counts(folder)
    assert [(trial.split, trial.way) for trial in read] == [("validation", way) for way in WAYS]
    before = (folder / SWEEP_COUNTS).read_bytes()
    write_sweep_counts(folder, CLASSES, read)
    assert (folder / SWEEP_COUNTS).read_bytes() == before
    labelled = sum(len(made.strong[name]) for name in made.scores)
    assert {int(trial.counts["event"].reference.sum()) for trial in read} == {labelled}


# --- settings


@pytest.mark.parametrize("paper", paper_names())
def test_every_run_of_a_papers_tables_is_swept_once(paper):
    config = make_config({"scale": "miniature", "folds": [1, 2], "seeds": [1, 2]}, "test")
    loaded = load_paper(paper, config)
    runs = sweep_runs(config, loaded)
    assert len(set(runs)) == len(runs)
    assert set(runs) == {who for table in loaded.settings.tables for who in table_runs(config, loaded, table)}


@pytest.mark.parametrize(("hop", "shortest"), [(1024, 10), (4096, 3), (320, 32)])
def test_hysteresis_has_the_same_seconds_at_every_rate(published, hop, shortest):
    how = WAYS["hysteresis"].method(published.model_copy(update={"hop_length": hop}))
    assert isinstance(how, Hysteresis)
    assert (how.shortest_frames, how.longest_gap_frames) == (shortest, shortest - 1)


def test_metrics_are_means_over_classes(tmp_path, monkeypatch):
    made = semi_supervised(tmp_path)
    made.write()
    part = values(made.swept(monkeypatch))
    _, splits = scoring.held_out_scores(
        made.who.folder(made.config), made.strong, made.paper.settings.front_end_of("dcase2019")
    )
    how = WAYS["fixed_window"].method(made.paper.settings.front_end)
    chosen = sweep_counts.detector(how, splits["validation"], None, {})
    found = scoring.outcome(chosen, splits["validation"], chosen.events(splits["validation"]), EVALUATION)
    mean = mean_of_defined(list(found["class_metrics"]["event_f1"].values()))
    assert part[0, 1, "validation", "fixed_window", "event_f1"] == pytest.approx(mean, abs=2e-6)
