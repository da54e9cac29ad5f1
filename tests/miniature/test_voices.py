"""Voices of the domestic and traffic classes: as long as asked, heard from onset to offset, individuals that last."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.miniature import domestic, traffic
from sedrepro.miniature.label_statistics import DOMESTIC_REAL, DOMESTIC_SYNTHETIC, TRAFFIC

SAMPLE_RATE = 16000
MAKERS = domestic.VOICES | traffic.VOICES
NATURAL_PAUSE = {"Reversing beeps": 0.6}
"""Longest silence (s) within an event; elsewhere less than what would part two events."""


def levels(sound: np.ndarray) -> np.ndarray:
    """Level of frames of 10 ms in dB below the loudest."""
    frame = SAMPLE_RATE // 100
    power = np.mean(sound[: len(sound) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    return 10 * np.log10(power / power.max() + 1e-12)


def test_there_is_a_voice_for_each_class_and_no_other():
    assert list(domestic.VOICES) == list(DOMESTIC_REAL) == list(DOMESTIC_SYNTHETIC)
    assert list(traffic.VOICES) == list(TRAFFIC)


@pytest.mark.parametrize("label", MAKERS)
@settings(max_examples=6, deadline=None)
@given(seconds=st.floats(0.25, 3.0), seed=st.integers(0, 999))
def test_an_event_is_heard_from_onset_to_offset(label: str, seconds: float, seed: int):
    voice = MAKERS[label](np.random.default_rng(seed), SAMPLE_RATE)
    sound = voice(np.random.default_rng(seed), seconds)
    assert len(sound) == round(seconds * SAMPLE_RATE)
    assert np.isfinite(sound).all()
    heard = levels(sound) > -30
    assert heard[:4].any()
    assert heard[-4:].any()
    pauses = np.diff(np.flatnonzero(heard)) - 1
    assert max(pauses, default=0) <= 100 * NATURAL_PAUSE.get(label, 0.15) + 1


@pytest.mark.parametrize("label", MAKERS)
def test_individuals_differ_and_vary(label: str):
    one, other = (MAKERS[label](np.random.default_rng(seed), SAMPLE_RATE) for seed in (0, 1))
    first, again, later = (one(np.random.default_rng(seed), 1.0) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other(np.random.default_rng(5), 1.0))
    # Horns and beeps repeat themselves but for their breath and rhythm.
    assert not np.array_equal(first, later) or label in {"Alarm_bell_ringing", "Reversing beeps"}
