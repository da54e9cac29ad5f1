"""Recording of planned events: labels agree with the sound, rooms reverberate, domains differ."""

from dataclasses import replace

import numpy as np
import pytest

from sedrepro.annotations.clips import Event
from sedrepro.miniature import domestic, traffic
from sedrepro.miniature.acoustics import DRY, ROOM, SAMPLE_RATE, STREET, Acoustics, in_room, record, recorded
from sedrepro.miniature.planning import ClipPlan

MAKERS = domestic.VOICES | traffic.VOICES
QUIET_ROOM = replace(ROOM, distractors=())


def plan(*events: Event, seconds: float = 4.0, seed: int = 0, channels: int = 1) -> ClipPlan:
    labels = tuple({event.event_label for event in events})
    return ClipPlan("clip.wav", seconds, np.random.SeedSequence(seed), events, events, labels, channels)


def levels(samples: np.ndarray) -> np.ndarray:
    """Level of frames of 50 ms (dB); below 100 Hz a background hides much, so differences count."""
    frame = SAMPLE_RATE // 20
    whitened = np.diff(samples)
    return 10 * np.log10(np.mean(whitened[: len(whitened) // frame * frame].reshape(-1, frame) ** 2, axis=1) + 1e-12)


@pytest.mark.parametrize("label", MAKERS)
def test_a_dry_event_rises_out_of_the_background_where_it_is_labelled(label: str):
    level = levels(record(plan(Event(1.0, 3.0, label)), MAKERS, DRY))
    inside, outside = level[20:60], np.concatenate([level[:19], level[61:]])
    assert np.median(inside) > np.median(outside) + 3
    # A frame of 50 ms at each edge; the first and last 200 ms hold some sound.
    for edge in (inside[:4], inside[-4:]):
        assert edge.max() > outside.max() + 1


@pytest.mark.parametrize("acoustics", [DRY, ROOM, STREET])
def test_recordings_are_neither_silent_nor_clipped(acoustics: Acoustics):
    samples = record(plan(Event(0.0, 4.0, "Blender"), Event(3.9, 4.2, "Dog")), MAKERS, acoustics)
    assert samples.shape == (4 * SAMPLE_RATE,)
    assert samples.dtype == np.float32
    assert acoustics.peak[0] * 0.999 <= np.abs(samples).max() <= acoustics.peak[1] * 1.001


@pytest.mark.parametrize("reverberation", [0.2, 0.5, 0.8])
def test_a_room_decays_by_60_db_in_its_reverberation_time(reverberation: float):
    impulse = np.zeros(SAMPLE_RATE)
    impulse[0] = 1
    response = in_room(impulse, np.random.default_rng(0), reverberation)
    # Schroeder's backward integral, between a tenth and a half of the time.
    decay = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1])
    early, late = (decay[round(share * reverberation * SAMPLE_RATE)] for share in (0.1, 0.5))
    assert early - late == pytest.approx(0.4 * 60, abs=3)


def test_a_room_keeps_the_direct_sound_in_place():
    noise = np.zeros(SAMPLE_RATE)
    noise[2000:] = np.random.default_rng(0).standard_normal(SAMPLE_RATE - 2000)
    heard = in_room(noise, np.random.default_rng(0), 0.3)
    assert np.abs(heard[:2000]).max() < 1e-4
    assert np.abs(heard[2000:2200]).max() > 0.5


def test_the_recorder_cuts_everything_at_one_frequency():
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    power = np.abs(np.fft.rfft(recorded(noise, np.random.default_rng(0), 6000))) ** 2
    assert power[7000:].sum() < 0.001 * power[:6000].sum()
    assert power[:5500].mean() == pytest.approx((np.abs(np.fft.rfft(noise)) ** 2)[:5500].mean(), rel=0.1)


@pytest.mark.parametrize("acoustics", [DRY, ROOM, STREET])
def test_an_event_does_not_reach_above_the_limit_of_its_background(acoustics: Acoustics):
    limited = replace(acoustics, cutoff=(5000, 5001))
    for seed in range(4):
        clip = record(plan(Event(1.0, 2.0, "Alarm_bell_ringing"), seed=seed), MAKERS, limited)
        frames = clip.reshape(-1, SAMPLE_RATE // 10) * np.hanning(SAMPLE_RATE // 10)
        level = 10 * np.log10((np.abs(np.fft.rfft(frames)[:, 800:]) ** 2).mean(axis=1))  # above 8 kHz
        assert abs(level[11:19].mean() - level[30:].mean()) < 3


def after_and_within(acoustics: Acoustics) -> tuple[float, float]:
    """Mean levels (dB above the background) just behind an event, and in it, over several clips."""
    level = [levels(record(plan(Event(1.0, 2.0, "Alarm_bell_ringing"), seed=n), MAKERS, acoustics)) for n in range(8)]
    background = [np.median(one[60:]) for one in level]
    behind, within = np.mean([one[41:43].mean() for one in level]), np.mean([np.median(one[21:39]) for one in level])
    return behind - np.mean(background), within - np.mean(background)


def test_real_recordings_are_noisier_than_synthetic_ones():
    assert after_and_within(DRY)[1] > after_and_within(QUIET_ROOM)[1] + 3


def test_real_recordings_ring_on():
    equally_loud = {"snr": DRY.snr, "tilt": DRY.tilt, "swell": 0.0}
    assert after_and_within(replace(DRY, **equally_loud))[0] < 0.5
    assert after_and_within(replace(QUIET_ROOM, **equally_loud))[0] > 3


@pytest.mark.parametrize(("individuals", "pitches"), [(1, 1), (None, 4)])
def test_clips_may_share_individuals(individuals: int | None, pitches: int):
    acoustics, found = replace(DRY, individuals=individuals), set()
    for number in range(4):
        seed = np.random.SeedSequence(0, spawn_key=(number,))
        clip = replace(plan(Event(0.0, 2.0, "Reversing beeps"), seconds=2.0), seed=seed)
        found.add(int(np.argmax(np.abs(np.fft.rfft(np.diff(record(clip, MAKERS, acoustics)))))) // 4)
    assert len(found) == pitches


def test_channels_hold_the_same_sound():
    samples = record(plan(Event(0.5, 3.5, "Speech"), channels=6), MAKERS, ROOM)
    assert samples.shape == (4 * SAMPLE_RATE, 6)
    correlation = np.corrcoef(samples.T)
    assert np.all(correlation > 0.3)
    assert not np.array_equal(samples[:, 0], samples[:, 1])
