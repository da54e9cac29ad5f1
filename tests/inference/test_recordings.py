import numpy as np
import pytest
import soundfile

from sedrepro.audio.reading import AudioError
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


def test_two_recordings_of_one_name_are_refused_before_any_work(tmp_path):
    with pytest.raises(SettingsError, match="2 recordings are named 'a'"):
        each_recording([tmp_path / "a.wav", tmp_path / "x" / "a.flac"], tmp_path, pytest.fail, "used", print)
