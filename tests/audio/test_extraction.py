"""Features of clips of any length: cut, filled up with silence, or with zeros after the logarithm."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.audio.extraction import clip_features, features_of_files, file_features
from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import LogMel

RATE, SAMPLES, HOP = 16000, 8000, 128
SILENCE = FrontEnd(
    sample_rate=RATE,
    clip_seconds=SAMPLES / RATE,
    window="hamming",
    window_symmetric=True,
    window_length=512,
    hop_length=HOP,
    centred=True,
    spectrum="magnitude",
    scale_by_window=False,
    n_mels=16,
    fmin=0,
    fmax=8000,
    log_offset=1e-9,
    mel_norm="none",
    dynamic_range_db=80,
)
ZEROS = SILENCE.model_copy(update={"padding": "zero_features"})


def noise(count: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(count).standard_normal(count)).astype(np.float32)


def of_the_baseline(samples: np.ndarray) -> np.ndarray:
    """As the DCASE 2019 baseline: decibels of the clip's own frames, then zeros; here as natural logarithms."""
    magnitude = np.abs(
        librosa.stft(samples.astype(np.float64), n_fft=512, hop_length=HOP, window=np.hamming(512), pad_mode="reflect")
    )
    mel = librosa.feature.melspectrogram(S=magnitude, sr=RATE, n_mels=16, norm=None)
    decibels = librosa.amplitude_to_db(mel, ref=1, amin=1e-5, top_db=80).T[: ZEROS.n_frames]
    return np.pad(decibels, ((0, ZEROS.n_frames - len(decibels)), (0, 0))) * np.log(10) / 20


@settings(deadline=None, max_examples=30)
@given(count=st.one_of(st.integers(512, 10000), st.integers(4, 70).map(lambda frames: frames * HOP)))
def test_zero_features_are_those_of_the_official_baseline(count: int):
    samples = noise(count)
    # Cut before the transform, a longer clip is mirrored at its new end, which only its last frames hear.
    heard = slice(0, ZEROS.n_frames if count <= SAMPLES else ZEROS.n_frames - 2)
    np.testing.assert_allclose(clip_features(samples, ZEROS)[heard], of_the_baseline(samples)[heard], rtol=0, atol=1e-3)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(1, SAMPLES), centred=st.booleans())
def test_a_short_clip_is_padded_before_or_after_the_logarithm(count: int, centred: bool):
    silence, zeros = (kind.model_copy(update={"centred": centred}) for kind in (SILENCE, ZEROS))
    samples = noise(count)
    padded = np.pad(samples, (0, SAMPLES - count))
    assert np.array_equal(clip_features(samples, silence), LogMel(silence)(torch.from_numpy(padded)).numpy())
    values = clip_features(samples, zeros)
    alone = LogMel(zeros)(torch.from_numpy(padded[: max(count, zeros.window_length)])).numpy()
    assert values.shape == (zeros.n_frames, 16)
    assert np.array_equal(values[: len(alone)], alone)
    assert (values[len(alone) :] == 0).all()


def test_the_dynamic_range_of_a_short_clip_hangs_on_its_own_maximum():
    samples = 1e-3 * noise(4000)  # its maximum lies below the 0 dB that it is filled up with
    values = clip_features(samples, ZEROS)
    own = values[: 4000 // HOP + 1]
    assert own.max() < 0
    assert own.min() >= own.max() - 4 * np.log(10) - 1e-5


@pytest.mark.parametrize("padding", ["silence", "zero_features"])
def test_a_whole_or_longer_clip_is_not_padded(padding: str):
    front_end = SILENCE.model_copy(update={"padding": padding})
    samples = noise(SAMPLES + 700)
    expected = LogMel(front_end)(torch.from_numpy(samples[:SAMPLES])).numpy()
    for given_samples in (samples, samples[:SAMPLES]):
        assert np.array_equal(clip_features(given_samples, front_end), expected)


def test_files_of_any_rate_and_channels(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.stack([noise(6000), noise(6000)], axis=1), 2 * RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", noise(5000), RATE, subtype="FLOAT")
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    features = list(features_of_files(paths, ZEROS, threads=2))
    assert np.array_equal(features[1], clip_features(noise(5000), ZEROS))
    # 6000 samples at twice the rate are 3000: 24 frames, the rest is filled up.
    assert [int((each != 0).any(axis=1).sum()) for each in features] == [3000 // HOP + 1, 5000 // HOP + 1]
    for path, each in zip(paths, features, strict=True):
        assert np.array_equal(each, file_features(path, ZEROS))
        assert each.dtype == np.float32
