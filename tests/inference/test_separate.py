import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import tones
from tones import PAPER, RATE, SETTINGS, TONES, UNMASKED, WHO, sounds

from sedrepro.annotations.clips import Event
from sedrepro.audio.reading import resample
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table
from sedrepro.detection.hysteresis import Fixed
from sedrepro.detection.settings import Hysteresis
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_view import RunView
from sedrepro.inference.separate import RECORD, separate, sound_name

HOW = Hysteresis(kind="hysteresis", clip_threshold=0.3, high=0.5, low=0.3, longest_gap_frames=4, shortest_frames=5)
DETECT = Fixed(HOW)


def view(config, who=WHO) -> RunView:
    return RunView(config, load_paper(PAPER, config), who)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The configuration under which two runs lie, one of them of a network without masks."""
    made = tones.configured(tmp_path_factory.mktemp("separation"))
    tones.write_runs(made)
    return made


@pytest.fixture
def clip(tmp_path):
    """A recording of 6 s, three times as long as the clips of training, with three events."""
    path = tmp_path / "long.wav"
    soundfile.write(path, sounds([("Bark", 0.5, 1.7), ("Meow", 2.4, 3.6), ("Bark", 4.4, 5.6)], 6, 99), RATE, "FLOAT")
    return path


def events_of(folder) -> list[tuple[str, float, float]]:
    rows = read_table(folder / "events.tsv", ("filename", "onset", "offset", "event_label"))
    return [(row["event_label"], float(row["onset"]), float(row["offset"])) for row in rows]


# --- what is written


def test_a_run_parts_a_recording_into_its_events(config, clip, tmp_path):
    lines = []
    separate(view(config), [clip], tmp_path / "out", DETECT, lines.append)
    folder = tmp_path / "out" / "long"
    found = events_of(folder)
    expected = [("Bark", 0.5, 1.7), ("Meow", 2.4, 3.6), ("Bark", 4.4, 5.6)]
    assert [label for label, *_ in found] == ["Bark", "Meow", "Bark"]
    for (_, *times), (_, *wanted) in zip(found, expected, strict=True):
        assert times == pytest.approx(wanted, abs=0.25)
    names = [sound_name(number, Event(on, off, label)) for number, (label, on, off) in enumerate(found, 1)]
    pictures = ["separation.png", "separation.svg"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "events.tsv", RECORD, *pictures])
    assert lines == [f"{clip}: 3 events in {folder}"]
    mixture, _ = soundfile.read(clip)
    for name, (label, onset, offset) in zip(names, found, strict=True):
        samples, rate = soundfile.read(folder / name)
        assert rate == RATE
        assert len(samples) == pytest.approx((offset - onset) * RATE, abs=10)
        assert np.sum(samples**2) <= np.sum(mixture**2)
        spectrum = np.abs(np.fft.rfft(samples))
        assert np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()] == pytest.approx(TONES[label], abs=2)
    record = json.loads((folder / RECORD).read_text())
    assert record == {"recording": str(clip), "seconds": 6.0, "run": vars(WHO)}
    assert not list((tmp_path / "out").glob(".*"))


def test_a_second_time_gives_the_same_bytes(config, clip, tmp_path):
    contents = []
    for _ in range(2):
        separate(view(config), [clip], tmp_path / "out", DETECT, lambda line: None)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "out" / "long").iterdir()})
    assert contents[0] == contents[1]


@pytest.mark.usefixtures("blank_pictures")
def test_rate_and_channels_do_not_matter(config, clip, tmp_path):
    samples = resample(soundfile.read(clip)[0], RATE, 48000)
    soundfile.write(tmp_path / "stereo.flac", np.stack([1.2 * samples, 0.8 * samples], axis=1), 48000)
    separate(view(config), [clip, tmp_path / "stereo.flac"], tmp_path / "out", DETECT, lambda line: None)
    mono, stereo = (events_of(tmp_path / "out" / name) for name in ("long", "stereo"))
    assert [label for label, *_ in mono] == [label for label, *_ in stereo]
    for (_, *times), (_, *others) in zip(mono, stereo, strict=True):
        assert times == pytest.approx(others, abs=0.1)
    for path in (tmp_path / "out" / "stereo").glob("*.wav"):
        assert soundfile.info(path).samplerate == RATE
        assert soundfile.info(path).channels == 1


@pytest.mark.parametrize("seconds", [0.001, 0.7])
def test_short_and_silent_recordings_end_well(config, tmp_path, seconds):
    for name, samples in (
        ("silent", np.zeros(round(seconds * RATE))),
        ("noise", sounds([], seconds)),
        ("tone", sounds([("Bark", 0, seconds)], seconds)),
    ):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE)
        separate(view(config), [tmp_path / f"{name}.wav"], tmp_path / "out", DETECT, lambda line: None)
        for _, onset, offset in events_of(tmp_path / "out" / name):
            assert 0 <= onset < offset <= seconds + 0.001
        assert (tmp_path / "out" / name / "separation.svg").is_file()


@pytest.mark.usefixtures("blank_pictures")
def test_sounds_above_full_scale_are_not_clipped(config, tmp_path):
    soundfile.write(tmp_path / "loud.wav", sounds([("Bark", 0.5, 1.5)], 2, level=2.4), RATE, "FLOAT")
    separate(view(config), [tmp_path / "loud.wav"], tmp_path / "out", DETECT, lambda line: None)
    peaks = [np.abs(soundfile.read(path)[0]).max() for path in (tmp_path / "out" / "loud").glob("*Bark*.wav")]
    assert max(peaks) > 1.2


def test_names_of_sounds_hold_no_path(tmp_path):
    assert (
        sound_name(3, Event(1.5, 2, "Fire engine, fire truck (siren)")) == "03_Fire_engine_fire_truck_siren_1.50s.wav"
    )
    assert sound_name(12, Event(0, 2, "Speech/../x")) == "12_Speech_x_0.00s.wav"


# --- errors


@pytest.mark.usefixtures("blank_pictures")
def test_unreadable_recordings_are_counted_after_the_others_are_done(config, clip, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    lines = []
    clips = [tmp_path / "broken.wav", clip, tmp_path / "absent.wav"]
    with pytest.raises(DataError, match=r"^2 of 3 recordings cannot be separated, the first: .*broken\.wav: corrupt"):
        separate(view(config), clips, tmp_path / "out", DETECT, lines.append)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["long"]
    assert [line.startswith("left out: ") for line in lines] == [True, False, True]
    assert lines[2] == f"left out: {tmp_path / 'absent.wav'}: missing"


def test_an_absent_run_says_how_to_make_it(config, clip, tmp_path):
    with pytest.raises(DataError, match=r"no such run; .* sedrepro train --paper ddc_fap .* --seed 7"):
        separate(view(config, replace(WHO, seed=7)), [clip], tmp_path / "out", DETECT)
    assert not (tmp_path / "out").exists()


def test_a_network_without_masks_is_refused(config, clip, tmp_path):
    with pytest.raises(SettingsError, match="system 'talnet' gives no masks"):
        separate(view(config, UNMASKED), [clip], tmp_path / "out", DETECT)


def test_a_run_with_another_front_end_is_refused(config, clip, tmp_path):
    changed = config.model_copy(update={"set": {PAPER: SETTINGS | {"front_end.fmin": 80}}})
    with pytest.raises(DataError, match="was trained with a front end that differs"):
        separate(view(changed), [clip], tmp_path / "out", DETECT)


def test_a_folder_of_the_user_is_never_replaced(config, clip, tmp_path):
    kept = tmp_path / "out" / "long" / "thesis.tex"
    kept.parent.mkdir(parents=True)
    kept.write_text("years of work")
    with pytest.raises(DataError, match="was not written by this command"):
        separate(view(config), [clip], tmp_path / "out", DETECT)
    assert kept.read_text() == "years of work"


def test_a_file_in_the_place_of_the_output_folder_is_named(config, clip, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(DataError, match=r"out/long: cannot be written .*; free space or choose another folder"):
        separate(view(config), [clip], tmp_path / "out", DETECT)


@pytest.mark.usefixtures("blank_pictures")
def test_of_two_recordings_of_one_name_the_second_is_left_out_by_name(config, clip, tmp_path):
    with pytest.raises(
        DataError, match=r"1 of 2 recordings cannot be separated, the first: .*long\.flac: has the name of"
    ):
        separate(view(config), [clip, tmp_path / "long.flac"], tmp_path / "out", DETECT)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["long"]


def test_nothing_half_written_is_left(config, clip, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sedrepro.inference.separate.save_picture", full)
    with pytest.raises(DataError, match=r"out/long: cannot be written \(No space left on device\)"):
        separate(view(config), [clip], tmp_path / "out", DETECT)
    assert not list((tmp_path / "out").iterdir())
