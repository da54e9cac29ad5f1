"""Front-end settings: impossible ones are refused; windows and mel filters equal those of NumPy, SciPy and librosa."""

import math
import warnings

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedrepro.audio.front_end import FrontEnd, mel_centres, mel_filters, window_samples
from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import load


def changed(front_end: FrontEnd, **changes) -> FrontEnd:
    return load(FrontEnd, front_end.model_dump() | changes, "settings.yaml: front_end")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fmax": 16000.5}, "fmax = 16000.5 must lie above fmin and at most at half the sample rate, 16000.0"),
        ({"fmin": 16000}, "fmax = 16000.0 must lie above fmin"),
        ({"fmin": -1}, "'fmin' = -1: Input should be greater than or equal to 0"),
        ({"sample_rate": 22050}, "at half the sample rate, 11025.0"),
        ({"clip_seconds": 0.06}, "window_length = 2048 is longer than a clip of 1920 samples"),
        ({"fft_length": 2047}, "fft_length = 2047 must be at least window_length = 2048"),
        ({"clip_seconds": 0.08, "fft_length": 4096}, "fft_length = 4096 is longer than a clip of 2560 samples"),
        ({"window_length": 1}, "'window_length' = 1: Input should be greater than 1"),
        ({"hop_length": 0}, "'hop_length' = 0: Input should be greater than 0"),
        ({"n_mels": 0}, "'n_mels' = 0: Input should be greater than 0"),
        ({"log_offset": 0}, "'log_offset' = 0: Input should be greater than 0"),
        ({"clip_seconds": math.inf}, "'clip_seconds' = inf: Input should be a finite number"),
        ({"log_offset": math.nan}, "'log_offset' = nan: Input should be a finite number"),
        ({"window": "haming"}, "'window' = 'haming': Input should be 'hamming' or 'hann'"),
        ({"spectrum": "complex"}, "'spectrum' = 'complex': Input should be 'magnitude' or 'power'"),
        ({"mel_norm": "htk"}, "'mel_norm' = 'htk': Input should be 'slaney' or 'none'"),
        ({"dynamic_range_db": 0}, "'dynamic_range_db' = 0: Input should be greater than 0"),
        ({"padding": "zeros"}, "'padding' = 'zeros': Input should be 'silence' or 'zero_features'"),
        ({"n_mel": 64}, "unknown key 'n_mel'; did you mean 'n_mels'?"),
    ],
)
def test_impossible_settings_are_named(published: FrontEnd, changes: dict, message: str):
    with pytest.raises(SettingsError) as caught:
        changed(published, **changes)
    assert str(caught.value).startswith("settings.yaml: front_end: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_shortest_clip_and_the_whole_band_are_allowed(published: FrontEnd):
    assert changed(published, clip_seconds=2048 / 32000, fmin=0, fmax=16000).n_frames == 1


def test_published_frames(published: FrontEnd):
    assert published.samples == 320000
    assert published.n_frames == 311
    assert published.frames_per_second == 31.25


@given(samples=st.integers(50, 5000), window_length=st.integers(2, 50), hop=st.integers(1, 60), centred=st.booleans())
def test_frames_are_all_whole_windows_or_one_per_begun_hop(samples: int, window_length: int, hop: int, centred: bool):
    front_end = FrontEnd(
        sample_rate=1000,
        clip_seconds=samples / 1000,
        window="hann",
        window_symmetric=False,
        window_length=window_length,
        hop_length=hop,
        centred=centred,
        spectrum="power",
        scale_by_window=False,
        n_mels=1,
        fmin=0,
        fmax=500,
        log_offset=1,
    )
    assert front_end.samples == samples
    starts = range(0, samples, hop)
    assert front_end.n_frames == len([start for start in starts if centred or start + window_length <= samples])


@pytest.mark.parametrize("window", ["hamming", "hann"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("length", [2, 511, 2048])
def test_windows_equal_scipy(published: FrontEnd, window: str, symmetric: bool, length: int):
    plain = changed(published, window=window, window_symmetric=symmetric, window_length=length, scale_by_window=False)
    expected = scipy.signal.get_window(window, length, fftbins=not symmetric)
    np.testing.assert_allclose(window_samples(plain), expected, atol=1e-14)


def test_scaled_windows_have_unit_energy(published: FrontEnd):
    assert np.sum(window_samples(published) ** 2) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "fmin", "fmax"),
    [
        (32000, 2048, 64, 50, 16000),
        (44100, 1764, 80, 0, 22050),
        (22050, 2048, 128, 0, 11025),
        (16000, 2048, 32, 50, 8000),
        (44100, 2048, 64, 0, 22050),
        (32000, 2048, 40, 1000, 1200),
        (22050, 551, 64, 0, 11025),
        (16000, 400, 200, 20, 7600),
    ],
)
def test_mel_filters_equal_librosa(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float):
    assert_equal_filters(rate, n_fft, n_mels, fmin, fmax)


@settings(deadline=None)
@given(
    rate=st.integers(8000, 48000),
    n_fft=st.integers(16, 4096),
    n_mels=st.integers(1, 130),
    low=st.floats(0, 0.9),
    high=st.floats(0.1, 1),
)
def test_mel_filters_equal_librosa_whatever_the_settings(rate: int, n_fft: int, n_mels: int, low: float, high: float):
    assume(high - low > 0.01)
    assert_equal_filters(rate, n_fft, n_mels, low * rate / 2, high * rate / 2)


def assert_equal_filters(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> None:
    sizes = {"n_fft": n_fft, "n_mels": n_mels, "fmin": fmin, "fmax": fmax}
    for norm, of_librosa in (("slaney", "slaney"), ("none", None)):
        ours = mel_filters(rate, **sizes, norm=norm)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # librosa warns of bands narrower than a bin; ours are to be as empty
            theirs = librosa.filters.mel(sr=rate, **sizes, norm=of_librosa, dtype=np.float64)
        assert ours.shape == (n_mels, n_fft // 2 + 1)
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_mel_filters_have_equal_areas_or_equal_peaks():
    areas = mel_filters(16000, 1 << 16, 20, 0, 8000).sum(axis=1)
    np.testing.assert_allclose(areas, areas[0], rtol=1e-3)
    peaks = mel_filters(16000, 1 << 16, 20, 0, 8000, "none").max(axis=1)
    np.testing.assert_allclose(peaks, 1, atol=1e-2)


def test_settings_without_the_newer_keys_mean_what_they_meant(published: FrontEnd):
    assert (published.mel_norm, published.dynamic_range_db, published.padding) == ("slaney", None, "silence")


def test_mel_centres_are_those_of_the_bands(published: FrontEnd):
    expected = librosa.mel_frequencies(n_mels=66, fmin=50, fmax=16000)[1:-1]
    np.testing.assert_allclose(mel_centres(published), expected, rtol=1e-9)
