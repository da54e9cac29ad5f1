"""Building blocks of synthesised sounds: exact where they can be, and of the asked length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.miniature.blocks import decaying_partials, edged, harmonic_tone, motor, overlay, rms, row, sparks


def test_sine_partials_are_exact():
    frequencies, decays, amplitudes = np.array([440.0, 1234.5]), np.array([0.3, 0.05]), np.array([1.0, 0.5])
    time = np.arange(4410)[:, None] / 44100
    expected = (amplitudes * np.exp(-time / decays) * np.sin(2 * np.pi * frequencies * time)).sum(axis=1)
    partials = decaying_partials(frequencies, decays, amplitudes, 0.1, 44100)
    np.testing.assert_allclose(partials, expected, atol=1e-9)


def test_harmonic_tone_has_the_asked_pitch_and_does_not_alias():
    tone = harmonic_tone(np.full(16000, 1000.0), np.ones(40), 16000)
    power = np.abs(np.fft.rfft(tone)) ** 2
    assert set(np.argsort(power)[-7:]) == set(range(1000, 8000, 1000))
    assert np.delete(power, np.arange(1000, 8000, 1000)).sum() < 1e-4 * power.sum()


@pytest.mark.parametrize("start", [-2, 0, 3, 5, -9])
def test_overlay_ignores_what_lies_outside(start: int):
    target = np.zeros(5)
    overlay(target, np.ones(4), start)
    expected = [float(0 <= index - start < 4) for index in range(5)]
    assert target.tolist() == expected


@given(seconds=st.floats(0.25, 4.0), period=st.floats(0.1, 1.0), pause=st.floats(0.0, 0.5), seed=st.integers(0, 99))
def test_a_row_sounds_from_start_to_end_with_pauses_no_longer_than_asked(seconds, period, pause, seed):
    rng, made = np.random.default_rng(seed), []

    def sound(length: float) -> np.ndarray:
        made.append(length)
        return np.ones(round(1000 * length))

    total = row(rng, 1000, seconds, (period, period), (pause, pause), sound)
    assert len(total) == round(1000 * seconds)
    silent = np.flatnonzero(total == 0)
    runs = np.split(silent, np.flatnonzero(np.diff(silent) > 1) + 1)
    # Two samples for rounding at each end.
    assert max(map(len, runs)) <= 1000 * pause + 2
    assert np.all(total[[1, -3]] > 0)
    assert sum(made) >= 0.49 * seconds


@given(samples=st.integers(1, 400), attack=st.floats(0, 1), release=st.floats(0, 1))
def test_fading_leaves_the_middle_third_alone(samples, attack, release):
    faded = edged(np.ones(samples), 100, attack, release)
    assert np.all((faded >= 0) & (faded <= 1))
    assert np.all(faded[samples // 3 : samples - samples // 3] == 1)


def test_sparks_come_as_often_as_asked_and_die_away():
    rng = np.random.default_rng(0)
    dense = sparks(rng, 20000, 1000, per_second=5, decay=0.005, spread=0.0)
    starts = np.flatnonzero(np.abs(np.diff(dense, prepend=0)) > 0.9)
    assert 60 < len(starts) < 140
    lone = sparks(np.random.default_rng(1), 20000, 1000, per_second=0.05, decay=0.02, spread=0.0)
    top = int(np.argmax(np.abs(lone)))
    np.testing.assert_allclose(lone[top + 20] / lone[top], np.exp(-1), rtol=1e-6)


def test_a_motor_follows_its_speed_with_a_tone_of_rms_1():
    tone = motor(np.random.default_rng(0), 16000, np.full(16000, 200.0), np.ones(5), hiss=np.zeros(16000))
    assert rms(tone) == pytest.approx(1.0, abs=0.05)
    power = np.abs(np.fft.rfft(tone)) ** 2
    assert power[190:211].sum() > 0.15 * power.sum()
