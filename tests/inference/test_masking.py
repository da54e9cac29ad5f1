import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd, mel_centres
from sedrepro.audio.logmel import LogMel
from sedrepro.inference.listener import frames_in
from sedrepro.inference.masking import FADE_SECONDS, Separator, mel_to_bins

RATE = 8000
CLASSES = ["Low", "High"]


def masks_of(front_end, samples, low=1.0, high=1.0) -> np.ndarray:
    """Constant masks (class, frame, mel)."""
    shape = (1, frames_in(samples, front_end), front_end.n_mels)
    return np.concatenate([np.full(shape, low), np.full(shape, high)]).astype(np.float32)


def bands(front_end, samples, border=1000.0) -> np.ndarray:
    """Masks that part the bands below a frequency in Hz from those above."""
    masks = masks_of(front_end, samples)
    below = mel_centres(front_end) < border
    masks[0, :, ~below], masks[1, :, below] = 0, 0
    return masks


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, eq. 5)."""
    target = reference * (estimate @ reference / (reference @ reference))
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))


def inner(sound: np.ndarray) -> np.ndarray:
    """Without the fades."""
    fade = round(FADE_SECONDS * RATE)
    return sound[fade:-fade]


# --- mel bands to frequency bins


def test_bands_of_a_bin_add_up_to_one(published, hann):
    narrow = {"n_mels": 6, "fmin": 500, "fmax": 3000}
    for front_end in (published, hann, FrontEnd(**hann.model_dump() | narrow)):
        weights = mel_to_bins(front_end)
        assert weights.shape == (front_end.n_mels, front_end.window_length // 2 + 1)
        assert (weights >= 0).all()
        np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-12)


def test_bins_follow_the_band_that_they_lie_in_or_nearest_to(hann):
    front_end = FrontEnd(**hann.model_dump() | {"n_mels": 6, "fmin": 500, "fmax": 3000})
    weights = mel_to_bins(front_end)
    frequencies = np.fft.rfftfreq(front_end.window_length, 1 / RATE)
    for band, centre in enumerate(mel_centres(front_end)):
        assert weights[:, np.argmin(abs(frequencies - centre))].argmax() == band
    assert (weights[0, frequencies < 500] == 1).all()
    assert (weights[-1, frequencies > 3000] == 1).all()


# --- sounds of events


@pytest.mark.parametrize("changes", [{}, {"centred": True}, {"window": "hamming"}, {"hop_length": 512}])
def test_masks_of_ones_give_the_recording_back(hann, changes):
    front_end = FrontEnd(**hann.model_dump() | changes)
    samples = np.random.default_rng(0).standard_normal(11111).astype(np.float32)
    event = Event(0.0, len(samples) / RATE, "Low")
    sound = Separator(samples, masks_of(front_end, len(samples)), [event], CLASSES, front_end).sound(event)
    assert sound.dtype == np.float32
    assert len(sound) == len(samples)
    np.testing.assert_allclose(inner(sound), inner(samples), atol=1e-5)


def test_masks_of_zeros_give_silence(hann):
    samples, event = np.random.default_rng(0).standard_normal(8000), Event(0.2, 0.7, "Low")
    assert not Separator(samples, masks_of(hann, 8000, low=0), [event], CLASSES, hann).sound(event).any()


def test_a_mask_of_one_band_removes_what_lies_in_others(hann, tone):
    band = int(np.argmin(abs(mel_centres(hann) - 1500)))
    masks = masks_of(hann, 16000, low=0)
    masks[0, :, band] = 1
    event = Event(0, 2, "Low")
    levels = {}
    for frequency in (400, mel_centres(hann)[band], 3500):
        samples = tone(frequency, 2)
        sound = Separator(samples, masks, [event], CLASSES, hann).sound(event)
        levels[frequency] = np.sum(sound**2) / np.sum(samples**2)
    kept, (low, high) = levels.pop(mel_centres(hann)[band]), levels.values()
    assert kept > 0.5
    assert max(low, high) < 1e-4


@pytest.mark.parametrize("changes", [{}, {"centred": True}, {"hop_length": 512, "n_mels": 16}])
def test_tones_in_two_bands_are_parted(hann, tone, changes):
    front_end = FrontEnd(**hann.model_dump() | changes)
    parts = {"Low": tone(440, 2), "High": tone(2200, 2)}
    mixture = parts["Low"] + parts["High"]
    events = [Event(0.25, 1.75, label) for label in CLASSES]
    separator = Separator(mixture, bands(front_end, len(mixture)), events, CLASSES, front_end)
    for event in events:
        wanted, cut = inner(parts[event.event_label][2000:14000]), inner(mixture[2000:14000])
        assert si_sdr(inner(separator.sound(event)), wanted) > si_sdr(cut, wanted) + 10


def test_masks_follow_time(hann, tone):
    samples = tone(1000, 2)
    masks = masks_of(hann, len(samples), low=0)
    masks[0, 30:] = 1  # frames that begin at 0.96 s or later
    event = Event(0, 2, "Low")
    sound = Separator(samples, masks, [event], CLASSES, hann).sound(event)
    assert not sound[: int(0.95 * RATE)].any()
    np.testing.assert_allclose(sound[int(1.1 * RATE) : int(1.9 * RATE)], samples[8800:15200], atol=1e-5)


def test_masks_lie_at_the_sound_that_the_features_show(hann):
    # A click: the loud frames of the log-mel spectrogram, taken as the mask, must let it through.
    for centred in (False, True):
        front_end = FrontEnd(**hann.model_dump() | {"centred": centred})
        samples = np.zeros(RATE, dtype=np.float32)
        samples[4321] = 1
        logmel = LogMel(front_end)(torch.from_numpy(samples)).numpy()
        masks = np.stack([logmel > -15, logmel <= -15]).astype(np.float32)
        events = [Event(0, 1, label) for label in CLASSES]
        separator = Separator(samples, masks, events, CLASSES, front_end)
        assert separator.sound(events[0])[4321] == pytest.approx(1, abs=1e-5)
        assert np.abs(separator.sound(events[1])).max() < 1e-5


def test_classes_share_only_while_both_sound(hann):
    samples = np.random.default_rng(0).standard_normal(4 * RATE)
    masks = masks_of(hann, len(samples), low=0.9, high=0.6)
    events = [Event(0.0, 2.0, "Low"), Event(1.0, 3.0, "High"), Event(3.5, 3.9, "Low")]
    separator = Separator(samples, masks, events, CLASSES, hann)
    low, high, alone = (separator.sound(event) for event in events)
    np.testing.assert_allclose(low[1000:7000], 0.9 * samples[1000:7000], atol=1e-5)
    np.testing.assert_allclose(low[9000:15000], 0.6 * samples[9000:15000], atol=1e-5)
    np.testing.assert_allclose(high[1000:7000], 0.4 * samples[9000:15000], atol=1e-5)
    np.testing.assert_allclose(high[9000:15000], 0.6 * samples[17000:23000], atol=1e-5)
    np.testing.assert_allclose(inner(alone), 0.9 * inner(samples[28000:31200]), atol=1e-5)


def test_masks_below_one_in_sum_are_left_as_they_are(hann):
    samples, events = np.random.default_rng(0).standard_normal(RATE), [Event(0.1, 0.9, label) for label in CLASSES]
    separator = Separator(samples, masks_of(hann, RATE, 0.5, 0.25), events, CLASSES, hann)
    for event, share in zip(events, (0.5, 0.25), strict=True):
        np.testing.assert_allclose(inner(separator.sound(event)), share * inner(samples[800:7200]), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.tuples(st.floats(0, 1.4), st.floats(0.01, 1)), max_size=6))
def test_all_events_together_have_at_most_the_energy_of_the_recording(hann, seed, cuts):
    random = np.random.default_rng(seed)
    samples = random.standard_normal(12000)
    masks = random.random((2, frames_in(12000, hann), hann.n_mels)).astype(np.float32)
    # Events of a class never overlap, as those that are detected.
    events, ends = [], [0.0, 0.0]
    for onset, length in sorted(cuts):
        label = int(random.integers(2))
        onset = max(onset, ends[label])
        ends[label] = min(onset + length, 1.5)
        if ends[label] - onset > 0.001:
            events.append(Event(onset, ends[label], CLASSES[label]))
    separator = Separator(samples, masks, events, CLASSES, hann)
    energy = sum(np.sum(separator.sound(event).astype(float) ** 2) for event in events)
    assert energy <= np.sum(samples**2) * (1 + 1e-6)


def test_an_event_is_as_long_as_it_says_and_fades_at_its_cuts(hann):
    samples = np.ones(RATE)
    for onset, offset in ((0.25, 0.75), (0.0, 1.0), (0.9, 5.0), (0.5, 0.505), (0.5, 0.5 + 1 / RATE)):
        event = Event(onset, offset, "Low")
        sound = Separator(samples, masks_of(hann, RATE), [event], CLASSES, hann).sound(event)
        assert len(sound) == min(round(offset * RATE), RATE) - round(onset * RATE)
        if len(sound) > 1:
            assert abs(sound[0]) < 0.01
            assert abs(sound[-1]) < 0.01
            assert (np.diff(sound[: min(80, len(sound) // 2)]) > 0).all()
