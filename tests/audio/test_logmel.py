"""Log mel equals the reference's definition, computed in double precision with SciPy and librosa."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedrepro.audio import logmel
from sedrepro.audio.front_end import FrontEnd, mel_filters, window_samples
from sedrepro.audio.logmel import LogMel
from sedrepro.audio.reading import fit_length, read_mono, resample, root_mean_square
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper, paper_names

RATE = 32000
RECORDINGS = Path(__file__).parents[2].parent / "shared" / "audio"
FILTERS = librosa.filters.mel(sr=RATE, n_fft=2048, n_mels=64, fmin=50, fmax=16000, dtype=np.float64)
# Lossy-compressed recordings with empty high bands: with a single-precision FFT these deviate by 0.001 to 0.006.
HARD = (
    "esc50_events/sheep/4-188703-D-8.ogg",
    "scenes/underwater/remvze_underwater_3.ogg",
    "scenes/temple/remvze_temple_2.ogg",
    "scenes/household_machine/Timgrau_dishwasher_1_4.ogg",
)


def reference(samples: np.ndarray) -> np.ndarray:
    """The released code's definition: SciPy's magnitude spectrogram, librosa's mel filters, ln(x + 1e-8)."""
    spectrogram = scipy.signal.spectrogram(
        samples.astype(np.float64),
        window=np.hamming(2048),
        nperseg=2048,
        noverlap=1024,
        detrend=False,
        mode="magnitude",
    )[2]
    return np.log(spectrogram.T @ FILTERS.T + 1e-8)


def ours(front_end: FrontEnd, samples: np.ndarray) -> np.ndarray:
    return LogMel(front_end)(torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))).numpy()


def signals() -> dict[str, np.ndarray]:
    rng, time = np.random.default_rng(0), np.arange(10 * RATE) / RATE
    noise = rng.standard_normal(10 * RATE)
    partials = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 30))
    music = partials * np.exp(-(time % 0.5) * 6) + 0.001 * noise
    low = scipy.signal.sosfilt(scipy.signal.butter(8, 3000, fs=RATE, output="sos"), noise)
    impulse = np.zeros(10 * RATE)
    impulse[123456] = 1
    kinds = {
        "white noise": 0.1 * noise,
        "tone": 0.5 * np.sin(2 * np.pi * 1000 * time),
        "tone between bins": 0.5 * np.sin(2 * np.pi * 1007.3 * time),
        "music": 0.2 * music,
        "no high band": 0.3 * low,
        "quiet": 1e-5 * noise,
        "loud": 30 * noise,
        "constant": np.full(10 * RATE, 0.25),
        "impulse": impulse,
        "half silent": np.where(time < 5, 0.1 * noise, 0),
    }
    return {name: values.astype(np.float32) for name, values in kinds.items()}


@pytest.mark.parametrize("name", signals())
def test_log_mel_equals_the_reference(published: FrontEnd, name: str):
    samples = signals()[name]
    expected = reference(samples)
    assert expected.shape == (311, 64)
    np.testing.assert_allclose(ours(published, samples), expected, rtol=0, atol=1e-4)


@pytest.mark.recordings
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no folder of real recordings at {RECORDINGS}")
def test_log_mel_of_real_recordings_equals_the_reference(published: FrontEnd):
    everything = sorted(RECORDINGS.rglob("*.ogg"))
    chosen = everything[:: max(1, len(everything) // 36)] + [RECORDINGS / name for name in HARD]
    deviations = {}
    for path in (path for path in chosen if path.is_file()):
        samples = fit_length(resample(*read_mono(path), RATE), 10 * RATE)
        samples = samples / np.float32(root_mean_square(samples) or 1)
        deviations[path.name] = np.abs(ours(published, samples) - reference(samples)).max()
    worst = max(deviations, key=deviations.get)
    assert len(deviations) > 30
    assert deviations[worst] < 1e-4, f"{worst} deviates by {deviations[worst]:.2e}"


def test_log_mel_equals_librosa_up_to_the_scale_of_the_window(published: FrontEnd):
    window = np.hamming(2048)
    for samples in (signals()["white noise"], signals()["music"]):
        mel = librosa.feature.melspectrogram(
            y=samples.astype(np.float64),
            sr=RATE,
            n_fft=2048,
            hop_length=1024,
            window=window,
            center=False,
            power=1,
            n_mels=64,
            fmin=50,
            fmax=16000,
        )
        expected = np.log(mel.T / np.sqrt(np.sum(window**2)) + 1e-8)
        np.testing.assert_allclose(ours(published, samples), expected, rtol=0, atol=1e-4)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    window=st.sampled_from(["hamming", "hann"]),
    symmetric=st.booleans(),
    centred=st.booleans(),
    spectrum=st.sampled_from(["magnitude", "power"]),
    length=st.integers(256, 1300),
    more=st.sampled_from([None, 0, 1, 200, 777]),
    hop=st.integers(100, 700),
    n_mels=st.integers(8, 40),
    offset=st.sampled_from([1e-8, 1e-5, 1.0]),
)
def test_every_front_end_equals_librosa(
    window: str,
    symmetric: bool,
    centred: bool,
    spectrum: str,
    length: int,
    more: int | None,
    hop: int,
    n_mels: int,
    offset: float,
):
    n_fft = length + (more or 0)
    front_end = FrontEnd(
        sample_rate=16000,
        clip_seconds=0.5,
        window=window,
        window_symmetric=symmetric,
        window_length=length,
        fft_length=None if more is None else n_fft,
        hop_length=hop,
        centred=centred,
        spectrum=spectrum,
        scale_by_window=False,
        n_mels=n_mels,
        fmin=0,
        fmax=8000,
        log_offset=offset,
    )
    samples = np.random.default_rng(length).standard_normal(8000).astype(np.float32)
    mel = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=16000,
        n_fft=n_fft,
        win_length=length,
        hop_length=hop,
        window=scipy.signal.get_window(window, length, fftbins=not symmetric),
        center=centred,
        pad_mode="reflect",
        power={"magnitude": 1, "power": 2}[spectrum],
        n_mels=n_mels,
        fmin=0,
        fmax=8000,
    )
    values = ours(front_end, samples)
    assert values.shape == (front_end.n_frames, n_mels)
    np.testing.assert_allclose(values, np.log(mel.T[: len(values)] + offset), rtol=0, atol=1e-4)


def of_the_papers() -> list[FrontEnd]:
    """Each front end that some corpus of a paper has, on clips of 2 s."""
    config, found = Config(scale="full", folds=[1], seeds=[1]), []
    for paper in (load_paper(name, config).settings for name in paper_names()):
        found += [paper.front_end, *(paper.front_end_of(corpus) for corpus in paper.corpora)]
    short = [front_end.model_copy(update={"clip_seconds": 2}) for front_end in found]
    return [front_end for number, front_end in enumerate(short) if front_end not in short[:number]]


FRONT_ENDS = of_the_papers()


def in_double(front_end: FrontEnd, samples: np.ndarray) -> np.ndarray:
    """The definition of the features, every step in double precision."""
    n_fft, samples = front_end.n_fft, samples.astype(np.float64)
    if front_end.centred:
        samples = np.pad(samples, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[:: front_end.hop_length][: front_end.n_frames]
    before = (n_fft - front_end.window_length) // 2
    window = np.pad(window_samples(front_end), (before, n_fft - front_end.window_length - before))
    magnitude = np.abs(np.fft.rfft(frames * window))
    power = {"magnitude": 1, "power": 2}[front_end.spectrum]
    names = ("sample_rate", "n_fft", "n_mels", "fmin", "fmax", "mel_norm")
    filters = mel_filters(*(getattr(front_end, name) for name in names))
    values = np.log(magnitude**power @ filters.T + front_end.log_offset)
    decibels = front_end.dynamic_range_db
    return values if decibels is None else values.clip(values.max() - decibels * np.log(10) / 20 * power)


def difficult(kind: str, count: int, frequency: float, level: float, seed: int) -> np.ndarray:
    """Sounds of which some frames have bands that are empty or nearly so; frequency per sample, level of the rest."""
    rng, time = np.random.default_rng(seed), np.arange(count)
    noise, tone = rng.standard_normal(count), np.sin(2 * np.pi * frequency * time + seed)
    kinds = {
        "silence": np.zeros(count),
        "tone": tone,
        "tone on a bin": np.sin(2 * np.pi * round(2048 * frequency) / 2048 * time),
        "tone of 16 bit": np.round(tone * level * 2**15) / 2**15,
        "clipped": np.clip(tone / level, -1, 1) + level * 1e-2 * noise,
        "last bit": np.round(noise) / 2**15,
        "faint": 1e-9 * level * noise,
        "offset": 1 + level * noise,
        "tone in noise": tone + level * noise,
        "noise": level * noise,
        "partly silent": np.where(time % 20000 < 9000, level * noise, 0),
        "impulses": (time % (50 + 7 * seed) == 0) + level,
        "fading": tone * np.exp(-time / 3000) + 1e-4 * level * noise,
    }
    return kinds[kind].astype(np.float32)


KINDS = ("silence", "tone", "tone on a bin", "tone of 16 bit", "clipped", "last bit", "faint", "offset")
KINDS += ("tone in noise", "noise", "partly silent", "impulses", "fading")


@settings(max_examples=100)
@given(
    front_end=st.sampled_from(FRONT_ENDS),
    spectrum=st.sampled_from(["magnitude", "power"]),
    more=st.sampled_from([0, 0, 1, 30]),
    failing=st.sampled_from([logmel.FAILING, 1.0]),
    kind=st.sampled_from(KINDS),
    frequency=st.floats(0.001, 0.499),
    level=st.floats(-4, 0).map(lambda exponent: 10**exponent),
    seed=st.integers(0, 99),
)
def test_log_mel_is_exact_to_four_digits_whatever_the_sound(
    front_end: FrontEnd,
    spectrum: str,
    more: int,
    failing: float,
    kind: str,
    frequency: float,
    level: float,
    seed: int,
):
    front_end = front_end.model_copy(update={"spectrum": spectrum, "fft_length": front_end.n_fft + more})
    samples = difficult(kind, front_end.samples, frequency, level, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logmel, "FAILING", failing)
        values = ours(front_end, samples)
    np.testing.assert_allclose(values, in_double(front_end, samples), rtol=0, atol=1e-4)


@pytest.mark.parametrize("front_end", [front_end for front_end in FRONT_ENDS if front_end.window == "hann"])
def test_noise_is_transformed_in_single_precision_and_a_tone_in_double(front_end: FrontEnd):
    log_mel = LogMel(front_end)
    for kind, is_double in (("noise", False), ("tone", True)):
        samples = torch.from_numpy(difficult(kind, front_end.samples, 0.01, 0.1, 0))
        assert torch.equal(log_mel(samples), log_mel.from_spectrum(log_mel.spectrum(samples))) == is_double


def official_2019(**changes) -> FrontEnd:
    """The front end of the DCASE 2019 baseline on half a second at 16 kHz."""
    settings = {
        "sample_rate": 16000,
        "clip_seconds": 0.5,
        "window": "hamming",
        "window_symmetric": True,
        "window_length": 512,
        "hop_length": 128,
        "centred": True,
        "spectrum": "magnitude",
        "scale_by_window": False,
        "n_mels": 16,
        "fmin": 0,
        "fmax": 8000,
        "log_offset": 1e-5,
        "mel_norm": "none",
        "dynamic_range_db": 80,
        "padding": "zero_features",
    }
    return FrontEnd(**settings | changes)


def fading(seed: int, count: int = 8000, peak: float = 1.0) -> np.ndarray:
    """Noise that fades by about 140 dB."""
    noise = np.random.default_rng(seed).standard_normal(count)
    return (peak * noise * 10 ** (-7 * np.arange(count) / count)).astype(np.float32)


def of_librosa(samples: np.ndarray, power: int = 1) -> np.ndarray:
    """Decibels (frame, mel) as librosa has them, as natural logarithms."""
    mel = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=16000,
        n_fft=512,
        hop_length=128,
        window=np.hamming(512),
        pad_mode="reflect",
        power=power,
        n_mels=16,
        norm=None,
    )
    if power == 2:
        return librosa.power_to_db(mel, ref=1, amin=1e-10, top_db=80).T * np.log(10) / 10
    return librosa.amplitude_to_db(mel, ref=1, amin=1e-5, top_db=80).T * np.log(10) / 20


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), peak=st.floats(-5, 2), spectrum=st.sampled_from(["magnitude", "power"]))
def test_the_dynamic_range_is_that_of_librosas_decibels(seed: int, peak: float, spectrum: str):
    samples, offset = fading(seed, peak=10**peak), {"magnitude": 1e-5, "power": 1e-10}[spectrum]
    values = ours(official_2019(spectrum=spectrum, log_offset=offset), samples)
    expected = of_librosa(samples, power={"magnitude": 1, "power": 2}[spectrum])[: len(values)]
    # librosa replaces what is below the offset by it, and we add it: more by at most ln(1 + offset / value).
    excess = values - expected
    assert excess.min() > -1e-3
    assert (excess <= np.log1p(offset * np.exp(-expected)) + 1e-3).all()


@pytest.mark.parametrize(("spectrum", "offset"), [("magnitude", 1e-9), ("power", 1e-16)])
def test_with_an_offset_below_the_range_features_equal_librosas(spectrum: str, offset: float):
    samples = fading(0)
    values = ours(official_2019(spectrum=spectrum, log_offset=offset), samples)
    expected = of_librosa(samples, power={"magnitude": 1, "power": 2}[spectrum])[: len(values)]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-3)
    assert (values == values.min()).mean() > 0.2
    without = ours(official_2019(spectrum=spectrum, log_offset=offset, dynamic_range_db=None), samples)
    assert without.min() < values.min() - 3


def test_the_dynamic_range_is_each_clips_own_at_any_gain():
    log_mel = LogMel(official_2019())
    clips = torch.from_numpy(np.stack([fading(1), fading(2, peak=1e-2), np.zeros(8000, np.float32)]))
    batch, gains = log_mel(clips), torch.tensor([1.0, 0.5, 2.0])[:, None, None]
    assert (batch.amax(dim=(1, 2)) - batch.amin(dim=(1, 2)) < 4 * np.log(10) + 1e-5).all()
    amplified = log_mel.from_spectrum(log_mel.spectrum(clips), gains)
    for clip, values, gain, louder in zip(clips, batch, gains, amplified, strict=True):
        torch.testing.assert_close(values, log_mel(clip), rtol=0, atol=1e-5)
        torch.testing.assert_close(louder, log_mel(gain[0] * clip), rtol=0, atol=1e-4)


def test_a_range_wider_than_the_clip_changes_nothing():
    samples = fading(0)
    assert np.array_equal(
        ours(official_2019(dynamic_range_db=400), samples), ours(official_2019(dynamic_range_db=None), samples)
    )


def test_digital_silence_is_the_logarithm_of_the_offset(published: FrontEnd):
    values = ours(published, np.zeros(10 * RATE))
    assert values.dtype == np.float32
    assert np.unique(values).tolist() == [np.float32(np.log(1e-8))]


def test_batches_equal_single_clips(published: FrontEnd):
    clips = np.stack([signals()["music"], signals()["quiet"]])
    batch = ours(published, clips)
    assert batch.shape == (2, 311, 64)
    for values, clip in zip(batch, clips, strict=True):
        np.testing.assert_allclose(values, ours(published, clip), rtol=0, atol=1e-5)


def test_spectra_are_linear(published: FrontEnd):
    """Mixing at several levels combines spectra instead of transforming every mixture."""
    log_mel = LogMel(published)
    first, second = (torch.from_numpy(signals()[name]) for name in ("music", "white noise"))
    combined = 0.5 * log_mel.spectrum(first) + 2 * log_mel.spectrum(second)
    direct = log_mel.spectrum(0.5 * first.double() + 2 * second.double())
    assert combined.dtype == direct.dtype == torch.complex64
    assert (combined - direct).abs().max() < 1e-6 * direct.abs().max()


def test_a_tone_appears_in_its_band_and_frames(published: FrontEnd):
    time = np.arange(10 * RATE) / RATE
    values = ours(published, np.where((time >= 3) & (time < 5), np.sin(2 * np.pi * 2000 * time), 0))
    band = values.argmax(axis=1)
    centres = librosa.mel_frequencies(n_mels=66, fmin=50, fmax=16000)[1:-1]
    loud = values.max(axis=1) > -5
    # A frame covers 64 ms every 32 ms: the tone touches those that start between 2.936 s and 5 s.
    assert np.flatnonzero(loud).tolist() == list(range(92, 157))
    assert set(band[95:153]) == {int(np.abs(centres - 2000).argmin())}
