"""Synthesised sounds: heard where they are labelled, each class with a spectrum of its own."""

import numpy as np
import pytest

from sedrepro.annotations.clips import Event
from sedrepro.miniature.sounds import DOMESTIC, EVENTS, SCENES, TRAFFIC, clip, scene, sound

RATE = 16000
GROUPS = (DOMESTIC, EVENTS, TRAFFIC)


def levels(samples: np.ndarray) -> np.ndarray:
    """Level of frames of 50 ms (dB)."""
    frame = RATE // 20
    return 10 * np.log10(np.mean(samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2, axis=1) + 1e-12)


def spectrum(samples: np.ndarray) -> np.ndarray:
    """Share of the power in 40 bands, as a logarithm."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    edges = np.geomspace(40, len(power) - 1, 41).astype(int)
    return np.log(np.add.reduceat(power, edges[:-1]) / power.sum() + 1e-4)


@pytest.mark.parametrize("timbre", [timbre for group in GROUPS for timbre in group.values()], ids=str)
def test_a_sound_is_heard_from_start_to_end(timbre):
    samples = sound(timbre, np.random.default_rng(0), 2.0, RATE)
    assert samples.dtype == np.float32
    assert samples.shape == (2 * RATE,)
    heard = levels(samples)[1:-1]
    assert heard.min() > heard.max() - 30


@pytest.mark.parametrize("group", GROUPS, ids=["domestic", "events", "traffic"])
def test_classes_are_told_apart_by_their_spectra(group):
    learnt = {
        label: np.mean([spectrum(sound(timbre, np.random.default_rng(n), 1.0, RATE)) for n in range(3)], axis=0)
        for label, timbre in group.items()
    }
    right = [
        min(learnt, key=lambda each: np.sum((learnt[each] - seen) ** 2)) == label
        for label, timbre in group.items()
        for n in range(3, 6)
        for seen in [spectrum(sound(timbre, np.random.default_rng(n), 1.0, RATE))]
    ]
    assert np.mean(right) > 0.8


@pytest.mark.parametrize("label", DOMESTIC)
def test_an_event_rises_out_of_the_background_where_it_is_labelled(label: str):
    event = Event(1.0, 3.0, label)
    samples = clip(DOMESTIC, [event], np.random.default_rng(0), 4.0, RATE, (15, 20))
    level = levels(np.diff(samples, prepend=0))
    assert np.median(level[20:60]) > np.median(np.concatenate([level[:19], level[61:]])) + 3


def test_an_event_may_outlast_its_clip():
    samples = clip(DOMESTIC, [Event(3.5, 4.5, "Dog")], np.random.default_rng(0), 4.0, RATE, (10, 10))
    assert samples.shape == (4 * RATE,)
    assert 0.09 < np.abs(samples).max() < 0.91


@pytest.mark.parametrize("label", SCENES)
def test_a_scene_has_two_channels_that_are_partly_correlated(label: str):
    samples = scene(label, np.random.default_rng(0), 1.5, RATE)
    assert samples.shape == (24000, 2)
    assert samples.dtype == np.float32
    assert 0.4 < np.corrcoef(samples.T)[0, 1] < 0.999
