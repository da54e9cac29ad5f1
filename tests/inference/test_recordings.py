import tempfile
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedrepro.audio.reading import AudioError, resample, resampled
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.inference.recordings import each_recording, open_recording


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_recordings_of_any_rate_and_channels_become_mono_at_the_rate_asked_for(tmp_path, rate, channels):
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "tone.wav", np.tile(tone[:, None], channels), rate)
    found = open_recording(tmp_path / "tone.wav", 16000)
    assert (found.rate, found.sample_rate, found.channels) == (16000, rate, channels)
    assert found.seconds == pytest.approx(1, abs=1e-3)
    assert np.abs(np.fft.rfft(found.samples)).argmax() == 500
    assert np.sqrt(np.mean(found.samples**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


def test_a_recording_of_which_nothing_is_left_is_named(tmp_path):
    soundfile.write(tmp_path / "click.wav", np.zeros(1), 96000)
    with pytest.raises(AudioError, match=r"click.wav: is too short for 8000 Hz"):
        open_recording(tmp_path / "click.wav", 8000)


def test_one_that_cannot_be_read_keeps_none_back(tmp_path):
    said, done = [], []

    def work(path, target):
        if path.stem == "b":
            raise AudioError(path, "corrupt")
        done.append(target)
        return len(done)

    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    with pytest.raises(DataError, match=r"1 of 3 recordings cannot be used, the first: .*b.wav: corrupt"):
        each_recording(paths, tmp_path / "out", work, "used", said.append)
    assert done == [tmp_path / "out" / "a", tmp_path / "out" / "c"]
    assert [line.split(": ")[-1].split(" in ")[0] for line in said] == ["1 event", "corrupt", "2 events"]


def test_the_problem_of_a_single_recording_is_said_once(tmp_path):
    def work(path, target):
        raise AudioError(path, "corrupt")

    said = []
    with pytest.raises(DataError, match=r"a\.wav: corrupt$") as caught:
        each_recording([tmp_path / "a.wav"], tmp_path, work, "used", said.append)
    assert said == []
    assert "1 of 1" not in str(caught.value)


def test_two_recordings_of_one_name_do_not_replace_each_other(tmp_path):
    said, done = [], []
    paths = [tmp_path / "a.wav", tmp_path / "x" / "a.flac", tmp_path / "b.wav"]
    with pytest.raises(DataError, match=r"1 of 3 recordings .*x/a\.flac: has the name of .*a\.wav"):
        each_recording(paths, tmp_path, lambda path, target: done.append(path.name) or 0, "used", said.append)
    assert done == ["a.wav", "b.wav"]


@pytest.mark.parametrize(
    "error", [ValueError("array is too big"), MemoryError(), UnicodeError("no"), OSError(5, "I/O")]
)
def test_no_exception_about_one_file_ends_the_batch(tmp_path, error):
    def work(path, target):
        if path.stem == "a":
            raise error
        return 0

    said = []
    with pytest.raises(DataError, match=r"1 of 2 recordings cannot be used, the first: .*a\.wav: "):
        each_recording([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path, work, "used", said.append)
    assert type(error).__name__ in said[0]
    assert len(said) == 2


def test_wrong_settings_end_it_at_once(tmp_path):
    def work(path, target):
        raise SettingsError("no frame scores")

    with pytest.raises(SettingsError):
        each_recording([tmp_path / "a.wav"], tmp_path, work, "used", pytest.fail)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=5), rates=st.permutations([8000, 22050, 32000, 44100])
)
def test_resampling_in_blocks_is_resampling_at_once(lengths, rates):
    whole = np.random.default_rng(0).uniform(-1, 1, sum(lengths)).astype(np.float32)
    blocks = np.split(whole, np.cumsum(lengths)[:-1])
    together = np.concatenate([*resampled(blocks, rates[0], rates[1])])
    np.testing.assert_array_equal(together, resample(whole, rates[0], rates[1]))
    assert all(a is b for a, b in zip(resampled(blocks, 8000, 8000), blocks, strict=True))


def test_a_long_recording_does_not_lie_in_memory(tmp_path):
    """Six minutes at 44.1 kHz are 64 MB as floats, and 46 MB at 32 kHz."""
    soundfile.write(tmp_path / "long.wav", np.tile(np.arange(-500, 500, dtype=np.int16), 16000), 44100)
    tracemalloc.start()
    found = open_recording(tmp_path / "long.wav", 32000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.seconds == pytest.approx(16e6 / 44100, abs=1e-3)
    assert peak < 24e6


def test_without_room_for_the_temporary_file_it_says_what_to_set(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(DataError, match="set TMPDIR"):
        open_recording(tmp_path / "a.wav", 8000)
