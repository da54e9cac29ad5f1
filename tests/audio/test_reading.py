"""Recordings of any kind become mono samples; one that cannot be used says why."""

import math
import os
import struct
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedrepro.audio import reading
from sedrepro.audio.reading import (
    AudioError,
    fit_length,
    opened,
    read_mixed,
    read_mono,
    resample,
    root_mean_square,
)

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
TRUNCATED = "corrupt (shorter than its header says)"


def noise(frames: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (frames, channels))


def wav_bytes(samples: np.ndarray, rate: int = 32000, before: bytes = b"", announced: int | None = None) -> bytes:
    """A 16-bit mono RIFF file written by hand: chunks `before` the data, and a data length of one's own."""
    data = samples.astype("<i2").tobytes()
    length = len(data) if announced is None else announced
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    body = head + before + b"data" + struct.pack("<I", length) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def reason(path: Path, *problems: str) -> str:
    with pytest.raises(AudioError) as caught:
        read_mono(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert "\n" not in str(caught.value)
    assert caught.value.path == path
    assert caught.value.problem in (problems or ["corrupt", "empty", "not finite"])
    return caught.value.reason


@SAME_FOLDER
@given(
    bits=st.sampled_from([16, 24]),
    channels=st.sampled_from([1, 2, 6]),
    frames=st.integers(1, 500),
    rate=st.sampled_from([8000, 22050, 32000, 44100, 48000]),
)
def test_integer_wav_is_read_exactly(tmp_path: Path, bits: int, channels: int, frames: int, rate: int):
    full = 2 ** (bits - 1)
    integers = np.random.default_rng(frames).integers(-full, full, (frames, channels))
    written = integers.astype(np.int16) if bits == 16 else (integers << 8).astype(np.int32)
    soundfile.write(tmp_path / "a.wav", written, rate, subtype=f"PCM_{bits}")
    samples, found_rate = read_mono(tmp_path / "a.wav")
    assert found_rate == rate
    assert samples.dtype == np.float32
    assert samples.shape == (frames,)
    if channels == 1:
        np.testing.assert_array_equal(samples, integers[:, 0] / full)
    else:
        np.testing.assert_allclose(samples, integers.mean(axis=1) / full, atol=2e-7)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_float_wav_keeps_what_exceeds_one(tmp_path: Path, subtype: str, channels: int):
    values = 4 * noise(300, channels)
    soundfile.write(tmp_path / "a.wav", values, 44100, subtype=subtype)
    samples, _ = read_mono(tmp_path / "a.wav")
    np.testing.assert_allclose(samples, values.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(("suffix", "tolerance"), [("flac", 4e-5), ("ogg", 0.05)])
def test_other_containers(tmp_path: Path, suffix: str, tolerance: float):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 32000)
    soundfile.write(tmp_path / f"a.{suffix}", tone, 32000)
    samples, rate = read_mono(tmp_path / f"a.{suffix}")
    assert rate == 32000
    np.testing.assert_allclose(samples, tone, atol=tolerance)


def test_missing(tmp_path: Path):
    assert reason(tmp_path / "absent.wav", "missing") == "missing"
    assert reason(tmp_path / "absent" / "a.wav", "missing") == "missing"


def test_a_name_that_differs_by_capitals_is_hinted_at(tmp_path: Path):
    soundfile.write(tmp_path / "a.WAV", noise(10), 8000)
    assert "'a.WAV'" in reason(tmp_path / "a.wav", "missing")
    assert len(read_mono(tmp_path / "a.WAV")[0]) == 10


def test_a_folder_and_a_pipe_are_called_that(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.wav")
    assert "folder" in reason(tmp_path, "not readable")
    assert "no plain file" in reason(tmp_path / "pipe.wav", "not readable")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_says_so(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", noise(10), 8000)
    (tmp_path / "a.wav").chmod(0)
    assert "Permission denied" in reason(tmp_path / "a.wav", "not readable")


@pytest.mark.parametrize("content", [b"RIFF", b"fLaC" + bytes(20), b"OggS" + bytes(100)])
def test_a_damaged_container_is_corrupt(tmp_path: Path, content: bytes):
    (tmp_path / "a.wav").write_bytes(content)
    reason(tmp_path / "a.wav", "corrupt")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"This is a letter, no audio.\n" * 20, "no audio format that is known"),
        (bytes(5000), "no audio format that is known"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\0\0\0\x20ftypM4A " + bytes(500), "MPEG-4"),
        (b"\xff\xf1\x50\x80" + bytes(500), "AAC"),
        (b"\x1aE\xdf\xa3" + bytes(500), "WebM"),
        (b"RIFF\x2e\0\0\0WAVEfmt " + struct.pack("<IHHIIHHH", 18, 0x161, 1, 44100, 16000, 1, 16, 0), "0x0161"),
    ],
)
def test_other_formats_are_called_that_and_not_corrupt(tmp_path: Path, content: bytes, name: str):
    (tmp_path / "a.wav").write_bytes(content)
    said = reason(tmp_path / "a.wav", "not readable")
    assert name in said
    assert "convert it" in said


@SAME_FOLDER
@given(content=st.binary(max_size=2000))
def test_random_bytes_are_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.wav").write_bytes(content)
    reason(tmp_path / "a.wav", *(["empty"] if not content else ["corrupt", "not readable"]))


@pytest.mark.parametrize("error", [ValueError("array is too big"), MemoryError(), KeyError("x"), OSError(5, "I/O")])
def test_whatever_the_libraries_raise_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception):
    def fail(*arguments, **options):
        raise error

    soundfile.write(tmp_path / "a.wav", noise(10), 8000)
    monkeypatch.setattr(soundfile.SoundFile, "read", fail)
    reason(tmp_path / "a.wav", "corrupt")
    monkeypatch.setattr(soundfile.SoundFile, "__init__", fail)
    reason(tmp_path / "a.wav", "corrupt")


def test_names_of_any_bytes_are_read(tmp_path: Path):
    for name in (b"caf\xe9.wav", b"-a.wav", b"cash $$ register.wav", b"x" * 246 + b".wav", b"new\nline.flac"):
        path = tmp_path / os.fsdecode(name)
        soundfile.write(os.fsencode(path), noise(10), 8000)
        assert len(read_mono(path)[0]) == 10
        assert len(read_mono(str(path))[0]) == 10


def test_blocks_put_together_are_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    values = noise(5000, 3)
    soundfile.write(tmp_path / "a.wav", values, 44100, subtype="PCM_16")
    whole, rate, channels = read_mixed(tmp_path / "a.wav")
    monkeypatch.setattr(reading, "BLOCK", 1000)
    with opened(tmp_path / "a.wav") as sound:
        blocks = list(sound.blocks)
    assert max(map(len, blocks)) == 333
    assert (sound.rate, sound.channels) == (rate, channels) == (44100, 3)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_the_mean_of_channels_is_their_sum_over_their_number(tmp_path: Path, subtype: str, channels: int):
    soundfile.write(tmp_path / "a.wav", noise(1000, channels), 44100, subtype=subtype)
    values = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)[0]
    expected = values[:, 0].copy()
    for channel in values.T[1:]:
        expected += channel
    np.testing.assert_array_equal(read_mono(tmp_path / "a.wav")[0], expected / np.float32(channels))


def test_a_block_that_is_not_filled_need_not_be_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    soundfile.write(tmp_path / "a.wav", noise(20000, 2), 44100)
    whole, _ = read_mono(tmp_path / "a.wav")
    read = soundfile.SoundFile.read
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda file, size, **how: read(file, max(size // 100, 1), **how))
    np.testing.assert_array_equal(read_mono(tmp_path / "a.wav")[0], whole)


def test_reading_block_by_block_needs_the_memory_of_a_block(tmp_path: Path):
    values = np.tile((8000 * noise(2**16)[:, 0]).astype(np.int16), 128)  # 8 M samples, 32 MB as floats
    soundfile.write(tmp_path / "a.wav", values, 44100)
    tracemalloc.start()
    with opened(tmp_path / "a.wav") as sound:
        assert sum(map(len, sound.blocks)) == len(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 4 * reading.BLOCK


def test_an_impossible_sample_rate_is_corrupt(tmp_path: Path):
    for rate in (1, 5_000_000):
        (tmp_path / "a.wav").write_bytes(wav_bytes(np.arange(100), rate=rate))
        assert f"{rate} Hz" in reason(tmp_path / "a.wav", "corrupt")


@SAME_FOLDER
@given(subtype=st.sampled_from(["PCM_16", "PCM_24", "FLOAT"]), share=st.floats(0, 0.999))
def test_a_wav_cut_anywhere_in_its_samples_is_corrupt(tmp_path: Path, subtype: str, share: float):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(1000, 2), 44100, subtype=subtype)
    whole = path.read_bytes()
    start = whole.index(b"data") + 8
    path.write_bytes(whole[: start + int(share * (len(whole) - start))])
    assert reason(path) == TRUNCATED


@SAME_FOLDER
@given(share=st.floats(0.01, 0.999))
def test_a_file_cut_anywhere_is_corrupt(tmp_path: Path, share: float):
    for suffix in ("wav", "flac"):
        path = tmp_path / f"a.{suffix}"
        soundfile.write(path, noise(1000), 44100)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        assert reason(path).startswith("corrupt (")


@SAME_FOLDER
@given(changes=st.lists(st.tuples(st.integers(0, 47), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_header_gives_samples_or_an_audio_error(tmp_path: Path, changes: list[tuple[int, int]]):
    content = bytearray(wav_bytes(8000 * noise(400)[:, 0]))
    for place, value in changes:
        content[place] = value
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    try:
        samples, rate = read_mono(path)
    except AudioError as error:
        assert error.reason
    else:
        assert len(samples) > 0
        assert np.isfinite(samples).all()
        assert rate > 0


def test_extra_chunks_are_skipped(tmp_path: Path):
    values = np.arange(-500, 500)
    odd = b"LIST" + struct.pack("<I", 5) + b"INFOx" + b"\0"
    (tmp_path / "a.wav").write_bytes(wav_bytes(values, before=odd) + b"id3 " + struct.pack("<I", 4) + b"tags")
    samples, _ = read_mono(tmp_path / "a.wav")
    np.testing.assert_array_equal(samples, values / 32768)


def test_a_streamed_wav_of_unknown_length_is_read(tmp_path: Path):
    """Programs that write to a pipe cannot know the length and announce the largest."""
    values = np.arange(-500, 500)
    (tmp_path / "a.wav").write_bytes(wav_bytes(values, announced=0xFFFFFFFF))
    samples, _ = read_mono(tmp_path / "a.wav")
    np.testing.assert_array_equal(samples, values / 32768)


def test_a_recording_without_samples_is_empty(tmp_path: Path):
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 2)), 44100)
    assert reason(tmp_path / "a.wav") == "empty"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_not_finite_is_refused(tmp_path: Path, value: float, channels: int):
    values = noise(100, channels)
    values[50, -1] = value
    soundfile.write(tmp_path / "a.wav", values, 44100, subtype="FLOAT")
    assert reason(tmp_path / "a.wav") == "holds NaN or infinite samples"


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 32000), (48000, 32000), (22050, 32000), (32000, 16000)])
def test_resampling_equals_soxr_and_librosa(rate: int, wanted: int):
    samples = noise(rate)[:, 0].astype(np.float32)
    ours = resample(samples, rate, wanted)
    np.testing.assert_array_equal(ours, soxr.resample(samples, rate, wanted, quality="HQ"))
    np.testing.assert_allclose(
        ours, librosa.resample(samples, orig_sr=rate, target_sr=wanted, res_type="soxr_hq"), atol=1e-7
    )


def test_resampling_keeps_tones_and_removes_what_would_alias():
    rate, wanted = 48000, 32000
    time, new_time = np.arange(rate) / rate, np.arange(wanted) / wanted
    middle = slice(wanted // 10, -wanted // 10)
    low = resample(np.sin(2 * np.pi * 1000 * time).astype(np.float32), rate, wanted)
    high = resample(np.sin(2 * np.pi * 20000 * time).astype(np.float32), rate, wanted)
    np.testing.assert_allclose(low[middle], np.sin(2 * np.pi * 1000 * new_time)[middle], atol=1e-4)
    assert np.abs(high[middle]).max() < 1e-4


def test_equal_rates_are_left_alone():
    samples = noise(100)[:, 0]
    assert resample(samples, 32000, 32000) is samples


@given(length=st.integers(1, 50), wanted=st.integers(1, 200))
def test_fitted_recordings_are_cut_or_repeated(length: int, wanted: int):
    samples = np.arange(length, dtype=np.float32)
    assert fit_length(samples, wanted).tolist() == [float(i % length) for i in range(wanted)]


@given(samples=st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=60))
def test_root_mean_square(samples: list[float]):
    expected = math.sqrt(math.fsum(s * s for s in samples) / len(samples))
    assert math.isclose(root_mean_square(np.array(samples, dtype=np.float32)), expected, rel_tol=1e-12)


def test_root_mean_square_at_the_ends_of_single_precision():
    assert root_mean_square(np.array([], dtype=np.float32)) == 0
    assert root_mean_square(np.zeros(5, dtype=np.float32)) == 0
    # The squares neither overflow nor vanish.
    for value in (3e38, 1e-30):
        assert math.isclose(root_mean_square(np.full(7, value, dtype=np.float32)), value, rel_tol=1e-6)
