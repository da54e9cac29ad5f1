"""Mixtures equal the reference recipe written anew in double precision, in samples, levels and features."""

import dataclasses
import functools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import LogMel
from sedrepro.audio.reading import AudioError
from sedrepro.base.errors import DataError
from sedrepro.corpora import mixing
from sedrepro.corpora.mixing import Mixer, feature_blocks, features_at_every_snr, fingerprint, mix, render
from sedrepro.corpora.remix import Mixture, PlacedEvent
from sedrepro.corpora.settings import Remix

RATE = 32000
SNRS = (0, 10, 20)
RECORDINGS = Path(__file__).parents[2].parent / "shared" / "audio"


@functools.cache
def sound(seconds: float, rate: int, seed: int, channels: int = 1) -> np.ndarray:
    """A decaying, coloured noise with a tone, louder at its start."""
    rng, time = np.random.default_rng(seed), np.arange(round(seconds * rate))[:, None] / rate
    noise = np.cumsum(rng.standard_normal((len(time), channels)), axis=0)
    tone = np.sin(2 * np.pi * (300 + 100 * seed) * time)
    values = (
        (noise - noise.mean(axis=0)) / np.ptp(noise) + 0.5 * tone + 0.05 * rng.standard_normal((len(time), channels))
    )
    values *= np.exp(-time * rng.uniform(0.1, 1.5))
    values *= 0.4 / np.abs(values).max()
    values.flags.writeable = False  # all tests share it
    return values


def reference(root: Path, mixture: Mixture, snr_db: float, level: str = "whole_file") -> np.ndarray:
    """The released recipe, in double precision: both tracks as a stereo file divided by its peak, then their mean."""

    def mono(name: str) -> np.ndarray:
        samples, rate = soundfile.read(root / name, always_2d=True)
        samples = samples.mean(axis=1)
        return samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="HQ")

    scene = mono(mixture.scene)
    while len(scene) < 10 * RATE:
        scene = np.concatenate([scene, scene])
    scene = scene[: 10 * RATE]
    scene = scene / np.sqrt(np.mean(scene**2))
    track = np.zeros(10 * RATE)
    for event in mixture.events:
        whole = mono(event.filename)
        length = min(len(whole), 2 * RATE)
        measured = whole if level == "whole_file" else whole[:length]
        scaled = whole / np.sqrt(np.mean(measured**2)) * 10 ** (snr_db / 20)
        start = int(event.onset * RATE)
        track[start : start + length] = scaled[:length]
    stereo = np.stack([track, scene], axis=1)
    stereo /= np.abs(stereo).max()
    return stereo.mean(axis=1)


def mixture_of(scene: str, *names: str, number: int = 0) -> Mixture:
    onsets = (0.5, 3.0, 5.5)
    events = tuple(PlacedEvent(onset, onset + 2, "Bark", name) for name, onset in zip(names, onsets, strict=False))
    return Mixture(f"{number:05d}.wav", 1, scene, events)


@pytest.fixture
def three(tmp_path: Path, recorded: Callable[..., str]) -> list[Mixture]:
    """Mixtures of recordings with other rates, channels, formats and lengths."""
    short = recorded("events/short.wav", sound(0.4, 44100, 1), 44100, "PCM_16")
    stereo = recorded("events/stereo.wav", sound(3.5, 48000, 2, channels=2), 48000, "PCM_24")
    same = recorded("events/same.wav", sound(2.0, RATE, 3), RATE, "FLOAT")
    low = recorded("events/low.wav", sound(7.0, 16000, 4), 16000, "PCM_16")
    scene = recorded("scenes/scene.wav", sound(10.0, 48000, 5, channels=2), 48000, "PCM_24")
    long = recorded("scenes/long.wav", sound(12.0, RATE, 6), RATE, "PCM_16")
    brief = recorded("scenes/brief.wav", sound(3.3, 44100, 7, channels=6), 44100, "PCM_16")
    return [
        mixture_of(scene, short, stereo, same, number=0),
        mixture_of(long, low, low, stereo, number=1),
        mixture_of(brief, same, short, low, number=2),
    ]


@pytest.mark.parametrize("snr_db", [-10, 0, 10, 20])
@pytest.mark.parametrize("level", ["whole_file", "active"])
def test_mixtures_equal_the_reference_recipe(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, level: str, snr_db: int
):
    mixer = Mixer(tmp_path, front_end, level)
    for mixture in three:
        found = mix(*mixer.tracks(mixture), snr_db)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, reference(tmp_path, mixture, snr_db, level), rtol=0, atol=2e-6)


def test_the_length_of_labels_does_not_change_the_audio(tmp_path: Path, three: list[Mixture], front_end: FrontEnd):
    mixer = Mixer(tmp_path, front_end, "whole_file")
    for mixture in three:
        heard = tuple(dataclasses.replace(event, offset=event.onset + 0.4) for event in mixture.events)
        short = mixer.tracks(dataclasses.replace(mixture, events=heard))
        for track, other in zip(mixer.tracks(mixture), short, strict=True):
            np.testing.assert_array_equal(track, other)


def test_the_level_of_the_whole_file_is_not_that_of_its_part(tmp_path: Path, three: list[Mixture], front_end: FrontEnd):
    """A long recording that fades out is louder in its first two seconds than on the whole."""
    powers = {}
    for level in ("whole_file", "active"):
        events, _ = Mixer(tmp_path, front_end, level).tracks(three[1])
        powers[level] = np.sqrt(np.mean(events[RATE // 2 : RATE // 2 + 2 * RATE].astype(np.float64) ** 2))
    assert powers["active"] == pytest.approx(1, abs=1e-5)
    assert powers["whole_file"] > 1.1


@pytest.mark.parametrize("snr_db", [-6, 0, 10, 20])
def test_the_rendered_mixture_has_the_asked_snr(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, remix: Remix, snr_db: int
):
    """The gains of the tracks in the written file, found by least squares, are those asked for."""
    mixer = Mixer(tmp_path, front_end, "active")
    render(tmp_path / "audio", three, mixer, snr_db, threads=2)
    for mixture in three:
        written, rate = soundfile.read(tmp_path / "audio" / mixture.filename)
        assert rate == RATE
        events, scene = (track.astype(np.float64) for track in mixer.tracks(mixture))
        gains = np.linalg.lstsq(np.stack([events, scene], axis=1), written, rcond=None)[0]
        first = events[RATE // 2 : RATE // 2 + round(2 * RATE)]
        heard = first[: np.flatnonzero(first)[-1] + 1]
        powers = gains**2 * [np.mean(heard**2), np.mean(scene**2)]
        assert 10 * math.log10(powers[0] / powers[1]) == pytest.approx(snr_db, abs=0.02)


@settings(deadline=None, max_examples=30)
@given(snr_db=st.floats(-40, 60), event_scale=st.floats(0.01, 100), seed=st.integers(0, 1000))
def test_one_of_the_tracks_reaches_one_half_and_none_more(snr_db: float, event_scale: float, seed: int):
    rng = np.random.default_rng(seed)
    events = (event_scale * rng.standard_normal(500)).astype(np.float32)
    scene = rng.standard_normal(500).astype(np.float32)
    mixture = mix(events, scene, snr_db)
    assert np.abs(mixture).max() <= 1 + 1e-6
    gain = 10 ** (snr_db / 20)
    peak = max(gain * np.abs(events).max(), np.abs(scene).max())
    expected = (gain * events.astype(np.float64) + scene) / 2 / peak
    np.testing.assert_allclose(mixture, expected, rtol=0, atol=1e-6)


def features_before_rounding(
    monkeypatch: pytest.MonkeyPatch, events: np.ndarray, scene: np.ndarray, front_end: FrontEnd
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Features (frame, mel) of one mixture per SNR: as they are before they become float16, and as returned."""
    seen: list[np.ndarray] = []
    original = LogMel.from_spectrum

    def remember(*arguments, **settings) -> torch.Tensor:
        values = original(*arguments, **settings)
        seen.append(values[0].numpy().copy())
        return values

    with monkeypatch.context() as patch:
        patch.setattr(LogMel, "from_spectrum", remember)
        returned = features_at_every_snr([events], [scene], SNRS, front_end, "cpu")
    return seen, [values[0] for values in returned]


def assert_features_are_those_of_the_audio(
    monkeypatch: pytest.MonkeyPatch, mixer: Mixer, mixture: Mixture, front_end: FrontEnd
) -> None:
    """Within 0.001 before the rounding to float16, and within half its spacing (between 16 and 32) after."""
    tracks = mixer.tracks(mixture)
    exact, returned = features_before_rounding(monkeypatch, *tracks, front_end)
    assert len(exact) == len(returned) == len(SNRS)
    for snr, values, rounded in zip(SNRS, exact, returned, strict=True):
        direct = LogMel(front_end)(torch.from_numpy(mix(*tracks, snr))).numpy()
        assert values.shape == (front_end.n_frames, front_end.n_mels)
        np.testing.assert_allclose(values, direct, rtol=0, atol=1e-3)
        assert rounded.dtype == np.float16
        np.testing.assert_allclose(rounded.astype(np.float32), values, rtol=0, atol=2**-7)


def test_features_are_those_of_the_mixed_audio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, three: list[Mixture], front_end: FrontEnd
):
    for level in ("whole_file", "active"):
        mixer = Mixer(tmp_path, front_end, level)
        for mixture in three:
            assert_features_are_those_of_the_audio(monkeypatch, mixer, mixture, front_end)


def test_power_features_are_those_of_the_mixed_audio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, three: list[Mixture], front_end: FrontEnd
):
    power = FrontEnd(**front_end.model_dump() | {"spectrum": "power", "window": "hann", "n_mels": 40})
    assert_features_are_those_of_the_audio(monkeypatch, Mixer(tmp_path, power, "whole_file"), three[0], power)


@pytest.mark.recordings
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no folder of real recordings at {RECORDINGS}")
def test_features_of_real_recordings_are_those_of_the_mixed_audio(monkeypatch: pytest.MonkeyPatch, front_end: FrontEnd):
    def names(folder: str, step: int) -> list[str]:
        return [str(path.relative_to(RECORDINGS)) for path in sorted((RECORDINGS / folder).rglob("*.ogg"))[::step]]

    events, scenes = names("fsdkaggle2018_10", 11), names("scenes", 40)
    assert len(events) >= 24
    assert len(scenes) >= 8
    mixer = Mixer(RECORDINGS, front_end, "whole_file")
    for number, scene in enumerate(scenes[:8]):
        mixture = mixture_of(scene, *events[3 * number : 3 * number + 3])
        assert_features_are_those_of_the_audio(monkeypatch, mixer, mixture, front_end)


def test_blocks_hold_every_mixture_in_order_at_every_snr(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, remix: Remix
):
    """More mixtures than a block holds, in several threads."""
    count = mixing.BLOCK + 2
    many = [dataclasses.replace(three[i % 3], filename=f"{i:05d}.wav") for i in range(count)]
    mixer = Mixer(tmp_path, front_end, "whole_file")
    blocks = list(feature_blocks(many, mixer, "remix", remix, front_end, "cpu", threads=2))
    assert [len(block["remix_0db"]) for block in blocks] == [mixing.BLOCK, 2]
    for variant, snr in (("remix_0db", 0), ("remix_10db", 10), ("remix_20db", 20)):
        features = np.concatenate([block[variant] for block in blocks]).astype(np.float32)
        for i, mixture in enumerate(three):
            direct = LogMel(front_end)(torch.from_numpy(mix(*mixer.tracks(mixture), snr))).numpy()
            np.testing.assert_allclose(features[i], direct, rtol=0, atol=2**-7 + 1e-3)
        for i in range(3, count):
            np.testing.assert_array_equal(features[i], features[i % 3])


@pytest.mark.parametrize("snr_db", [0, 20])
def test_quantised_mixtures_are_those_of_tracks_written_as_a_16_bit_file_and_read_again(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, snr_db: int
):
    events, scene = Mixer(tmp_path, front_end, "whole_file").tracks(three[0])
    stereo = np.stack([10 ** (snr_db / 20) * events, scene], axis=1, dtype=np.float64)
    soundfile.write(tmp_path / "stereo.wav", stereo / np.abs(stereo).max(), RATE, "PCM_16")
    expected = soundfile.read(tmp_path / "stereo.wav")[0].mean(axis=1)
    found = mix(events, scene, snr_db, "pcm16")
    assert np.mean(found != expected) < 0.01  # tracks in single precision may fall into the next step
    np.testing.assert_allclose(found, expected, rtol=0, atol=2**-15 + 1e-9)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 99), level=st.floats(-4, 3), snr_db=st.sampled_from([0, 10, 20]), silent=st.booleans())
def test_quantised_mixtures_are_those_of_the_plain_formula_bit_for_bit(
    seed: int, level: float, snr_db: int, silent: bool
):
    rng = np.random.default_rng(seed)
    events = (0 if silent else 10**level) * rng.standard_normal(500).astype(np.float32)
    scene = rng.uniform(-1, 1, 500).astype(np.float32)
    gain, before = np.float32(10 ** (snr_db / 20)), (events.copy(), scene.copy())
    peak = max(float(gain) * float(np.abs(events).max()), float(np.abs(scene).max()))
    steps = [np.floor(track / peak * 2**15).clip(max=2**15 - 1) / 2**15 for track in (gain * events, scene)]
    found = mix(events, scene, snr_db, "pcm16")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 0.5 * (steps[0] + steps[1]))
    np.testing.assert_array_equal((events, scene), before)


def test_features_of_quantised_mixtures_are_those_of_their_audio_and_not_of_the_exact_one(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, remix: Remix
):
    mixer, changed = Mixer(tmp_path, front_end, "whole_file"), remix.model_copy(update={"quantise": "pcm16"})
    (block,) = feature_blocks(three, mixer, "remix", changed, front_end, "cpu", threads=1)
    (exact,) = feature_blocks(three, mixer, "remix", remix, front_end, "cpu", threads=1)
    for variant, snr in remix.variants("remix").items():
        for found, mixture in zip(block[variant], three, strict=True):
            direct = LogMel(front_end)(torch.from_numpy(mix(*mixer.tracks(mixture), snr, "pcm16"))).numpy()
            np.testing.assert_array_equal(found, direct.astype(np.float16))
        assert not np.array_equal(block[variant], exact[variant])
    assert fingerprint(three, changed) != fingerprint(three, remix)


@pytest.mark.parametrize("silent", ["scene", "event"])
def test_a_silent_source_is_named(
    tmp_path: Path, recorded: Callable[..., str], three: list[Mixture], front_end: FrontEnd, silent: str
):
    nothing = recorded("silent.wav", np.zeros(RATE))
    mixture = three[0]
    if silent == "scene":
        mixture = dataclasses.replace(mixture, scene=nothing)
    else:
        mixture = dataclasses.replace(mixture, events=(*mixture.events, PlacedEvent(8.0, 9.0, "Bark", nothing)))
    with pytest.raises(DataError, match=r"silent\.wav: the part used is digitally silent") as caught:
        Mixer(tmp_path, front_end, "whole_file").tracks(mixture)
    assert str(tmp_path / nothing) in str(caught.value)


def test_an_event_silent_in_its_first_seconds_has_a_level_on_the_whole_only(
    tmp_path: Path, recorded: Callable[..., str], three: list[Mixture], front_end: FrontEnd
):
    late = recorded("late.wav", np.concatenate([np.zeros((2 * RATE, 1)), sound(1.0, RATE, 8)]))
    mixture = mixture_of(three[1].scene, late)
    events, _ = Mixer(tmp_path, front_end, "whole_file").tracks(mixture)
    assert not events.any()
    with pytest.raises(DataError, match=r"late\.wav: the part used is digitally silent"):
        Mixer(tmp_path, front_end, "active").tracks(mixture)


def test_a_source_too_quiet_for_single_precision_is_named(
    tmp_path: Path, recorded: Callable[..., str], three: list[Mixture], front_end: FrontEnd
):
    faint = np.zeros(2 * RATE, dtype=np.float32)
    faint[100] = 1.4e-45
    mixture = mixture_of(three[1].scene, recorded("faint.wav", faint))
    with pytest.raises(DataError, match=r"faint\.wav: the part used is digitally silent"):
        Mixer(tmp_path, front_end, "whole_file").tracks(mixture)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "missing"), (b"no audio", "not readable"), (b"RIFF", "corrupt")]
)
@pytest.mark.parametrize("name", ["events/stereo.wav", "scenes/scene.wav"])
def test_a_source_that_cannot_be_read_is_named(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, name: str, content: bytes | None, reason: str
):
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError, match=rf"{name}: {reason}"):
        Mixer(tmp_path, front_end, "whole_file").tracks(three[0])


def test_rendered_files(tmp_path: Path, three: list[Mixture], front_end: FrontEnd):
    mixer = Mixer(tmp_path, front_end, "whole_file")
    render(tmp_path / "audio", three, mixer, 10, threads=2)
    assert sorted(path.name for path in (tmp_path / "audio").iterdir()) == ["00000.wav", "00001.wav", "00002.wav"]
    for mixture in three:
        path = tmp_path / "audio" / mixture.filename
        info = soundfile.info(path)
        assert (info.format, info.subtype, info.samplerate) == ("WAV", "PCM_16", RATE)
        assert (info.channels, info.frames) == (1, 10 * RATE)
        np.testing.assert_allclose(soundfile.read(path)[0], reference(tmp_path, mixture, 10), rtol=0, atol=2**-14)


@pytest.mark.parametrize("failure", ["disk", "source"])
def test_a_failed_rendering_leaves_no_folder(
    tmp_path: Path, three: list[Mixture], front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch, failure: str
):
    if failure == "disk":
        really_write = soundfile.write

        def write(path: Path, *arguments) -> None:
            if path.name == "00002.wav":
                raise soundfile.LibsndfileError(2)
            really_write(path, *arguments)

        monkeypatch.setattr(soundfile, "write", write)
        message = r"audio: 00002\.wav cannot be written \(.+\); free space"
    else:
        (tmp_path / "scenes/brief.wav").unlink()
        message = r"brief\.wav: missing"
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=message):
        render(tmp_path / "audio", three, Mixer(tmp_path, front_end, "whole_file"), 0, threads=1)
    assert sorted(tmp_path.iterdir()) == before


def test_every_change_of_a_recipe_changes_the_fingerprint(remix: Remix):
    mixtures = [mixture_of("s.wav", "a.wav", "b.wav", "c.wav", number=n) for n in range(3)]
    first, second, third = mixtures
    event = first.events[1]
    others = {
        "order": [second, first, third],
        "fewer": [first, second],
        "more": [*mixtures, first],
        "none": [],
        "events swapped": [dataclasses.replace(first, events=first.events[::-1]), second, third],
    }
    for name, value in {"filename": "d.wav", "fold": 2, "scene": "t.wav"}.items():
        others[name] = [dataclasses.replace(first, **{name: value}), second, third]
    for name, value in {"filename": "d.wav", "event_label": "Meow", "onset": 3.001, "offset": 5.001}.items():
        events = (first.events[0], dataclasses.replace(event, **{name: value}), first.events[2])
        others[f"event {name}"] = [dataclasses.replace(first, events=events), second, third]
    prints = {name: fingerprint(recipe, remix) for name, recipe in others.items()}
    for name, value in {
        "events": "x",
        "scenes": "x",
        "snr_db": (0, 10),
        "mixtures_per_fold": 1,
        "draw": "tiled",
        "level": "active",
        "seed": 1,
    }.items():
        prints[f"setting {name}"] = fingerprint(mixtures, remix.model_copy(update={name: value}))
    prints["same"] = fingerprint(mixtures, remix)
    assert len(set(prints.values())) == len(prints)
    assert fingerprint([dataclasses.replace(m) for m in mixtures], remix.model_copy()) == prints["same"]
