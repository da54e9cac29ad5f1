"""PSDS and best F1 against sed_scores_eval called directly, where it is installed; elsewhere how to get it."""

import numpy as np
import pytest

from sedrepro.annotations.clips import Event
from sedrepro.detection.scores import Scores
from sedrepro.evaluation.settings import Evaluation
from sedrepro.predictions import field_metrics

CLASSES, RATE, FRAMES = ["Cat", "Dog"], 5.0, 50


def scores(seed=0, clips=6) -> Scores:
    random = np.random.default_rng(seed)
    reference = [
        [Event(1.0, 3.0, "Cat")] if n % 2 else [Event(0.4, 2.0, "Dog"), Event(5, 7, "Dog")] for n in range(clips)
    ]
    return Scores(
        classes=CLASSES,
        filenames=[f"{n}.wav" for n in range(clips)],
        clip=random.random((clips, 2)),
        frame=random.random((clips, FRAMES, 2)).astype(np.float32),
        frames_per_second=RATE,
        durations=np.full(clips, 10.0),
        targets=np.zeros((clips, 2), np.uint8),
        reference=reference,
        feature_frames=FRAMES,
        features_per_second=RATE,
    )


def test_without_the_extra_a_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(field_metrics, "available", lambda: False)
    found = field_metrics.field_metrics(scores(), Evaluation())
    assert found.metrics == {}
    assert "pip install sed_scores_eval==" in found.note


def test_values_are_those_of_sed_scores_eval():
    pytest.importorskip("sed_scores_eval")
    from sed_scores_eval import collar_based, intersection_based
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    given = scores()
    edges = np.arange(FRAMES + 1) / RATE
    tables = {
        n: create_score_dataframe(f.astype(float), edges, CLASSES)
        for n, f in zip(given.filenames, given.frame, strict=True)
    }
    truth = {
        n: [(e.onset, e.offset, e.event_label) for e in events]
        for n, events in zip(given.filenames, given.reference, strict=True)
    }
    durations = dict.fromkeys(given.filenames, 10.0)
    found = field_metrics.field_metrics(given, Evaluation()).metrics
    psds = intersection_based.psds(
        tables, truth, durations, dtc_threshold=0.1, gtc_threshold=0.1, cttc_threshold=0.3, alpha_ct=0.5, alpha_st=1.0
    )
    best = collar_based.best_fscore(tables, truth, onset_collar=0.2, offset_collar=0.2, offset_collar_rate=0.2)
    assert found["psds2"] == pytest.approx(psds[0], abs=1e-6)
    assert found["best_event_f1"] == pytest.approx(best[0]["macro_average"], abs=1e-6)
    assert set(found) == {"psds1", "psds2", "best_event_f1", "best_intersection_f1"}


def test_perfect_scores_are_perfect():
    pytest.importorskip("sed_scores_eval")
    given = scores()
    for frame, events in zip(given.frame, given.reference, strict=True):
        frame[:] = 0
        for event in events:
            frame[round(event.onset * RATE) : round(event.offset * RATE), CLASSES.index(event.event_label)] = 1
    found = field_metrics.field_metrics(given, Evaluation()).metrics
    assert found == pytest.approx(dict.fromkeys(found, 1.0))


def test_reference_events_that_touch_are_one_there():
    events = [Event(0, 1, "Cat"), Event(1, 2, "Cat"), Event(1.5, 3, "Dog")]
    assert field_metrics._apart(events) == [(0, 2, "Cat"), (1.5, 3, "Dog")]
