"""Segments are cut to the sample; what cannot be had is known by its reason; a kill loses at most the running clip."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import Clip, Segment, segment_of
from sedrepro.base.errors import DataError, SedreproError, SettingsError
from sedrepro.base.files import read_table, try_lock
from sedrepro.obtaining import youtube
from sedrepro.obtaining.journal import JOURNAL_COLUMNS, Journal
from sedrepro.obtaining.youtube import FetchReport, Pause, fetch_clips
from sedrepro.obtaining.youtube_messages import classify

FAKE = """
import json, os, shutil, signal, sys, time
videos, arguments = sys.argv[1], sys.argv[2:]
video = os.path.join(videos, arguments[-1].partition("watch?v=")[2])
with open(os.path.join(videos, "calls.jsonl"), "a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
assert arguments[-2] == "--", arguments
target = arguments[arguments.index("--output") + 1].replace("%(ext)s", "wav")
if os.path.exists(video + ".slow"):
    time.sleep(0.3)
if os.path.exists(video + ".hangs"):
    time.sleep(600)
if os.path.exists(video + ".dies"):
    os.kill(os.getpid(), signal.SIGKILL)
if os.path.exists(video + ".error"):
    sys.stderr.write(open(video + ".error", encoding="utf-8").read())
    sys.exit(1)
if os.path.exists(video + ".wav"):
    shutil.copy(video + ".wav", target)
"""
FIRST, SECOND, THIRD = "-5QrBL6MzLg", "1Ro0FgMWTUE", "a_b-C_1_2_3"
NOT_A_BOT = (
    "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication. "
    "See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies"
)
RATE_LIMITED = (
    "Video unavailable. This content isn’t available, try again later. The current session has been rate-limited by "
    "YouTube for up to an hour. It is recommended to use `-t sleep` to add a delay between video requests"
)


class Tube:
    """A YouTube of files, the fake yt-dlp that downloads from it, and where clips go."""

    def __init__(self, folder: Path) -> None:
        self.videos = folder / "videos"
        self.videos.mkdir()
        script = folder / "fake.py"
        script.write_text(FAKE, encoding="utf-8")
        self.command = [sys.executable, "-S", str(script), str(self.videos)]
        self.root = folder / "corpora"
        self.journal = folder / "work" / "youtube.tsv"

    def video(self, video_id: str, seconds: float = 60.0, rate: int = 44100, channels: int = 1) -> np.ndarray:
        """Put a ramp that tells the position in the video; returns its samples (sample, channel)."""
        samples = (np.arange(round(seconds * rate)) % 60000 - 30000).astype(np.int16)
        samples = np.stack([samples // (channel + 1) for channel in range(channels)], axis=1)
        soundfile.write(self.videos / f"{video_id}.wav", samples, rate, "PCM_16")
        return samples

    def error(self, video_id: str, text: str) -> None:
        (self.videos / f"{video_id}.error").write_text(f"ERROR: [youtube] {video_id}: {text}\n", encoding="utf-8")

    def trouble(self, video_id: str, kind: str) -> None:
        (self.videos / f"{video_id}.{kind}").touch()

    def fetch(self, *names: str, **options) -> FetchReport:
        options = {"command": self.command, "pause_seconds": 0.0, "workers": 1} | options
        return fetch_clips([clip(name) for name in names], self.root, self.journal, **options)

    def lines(self) -> list[dict[str, str]]:
        return read_table(self.journal, JOURNAL_COLUMNS)

    def calls(self) -> list[list[str]]:
        path = self.videos / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def fetched_ids(self) -> list[str]:
        return [call[-1].partition("v=")[2] for call in self.calls()]


@pytest.fixture
def tube(tmp_path: Path) -> Tube:
    return Tube(tmp_path)


def clip(filename: str) -> Clip:
    return Clip(filename, "weak", "video")


def name(video_id: str, start: int = 30, end: int = 40) -> str:
    return f"audio/weak/Y{video_id}_{start}.000_{end}.000.wav"


ids = st.text("ABCxyz019_-Y", min_size=11, max_size=11)
seconds = st.integers(0, 100_000).map(lambda milliseconds: milliseconds / 1000)


@given(ids, seconds, seconds, st.sampled_from(["Y", ""]), st.sampled_from(["", "audio/", "a_1_2/"]))
def test_segment_comes_back_from_its_name(video_id: str, start: float, length: float, letter: str, folder: str):
    segment = Segment(video_id, start, round(start + length + 0.001, 3))
    assert segment_of(f"{folder}{letter}{video_id}_{start:.3f}_{segment.end:.3f}.wav") == segment


@given(ids, st.integers(0, 1000), st.integers(1, 1000), st.sampled_from(["Y", ""]))
def test_segment_with_whole_seconds(video_id: str, start: int, length: int, letter: str):
    assert segment_of(f"{letter}{video_id}_{start}_{start + length}.wav") == Segment(video_id, start, start + length)


@pytest.mark.parametrize(
    "filename",
    [
        "12.wav",
        "audio/Yabc_30.000_40.000.wav",
        f"Y{FIRST}_30.000_40.000.flac",
        f"Y{FIRST}_40.000_40.000.wav",
        f"Y{FIRST}_40.000_30.000.wav",
        f"Y{FIRST}_30.000_40.000.wav.part",
        f"Y{FIRST}_-3_40.wav",
        f"YY{FIRST}_30_40.wav",
        f"Y{FIRST}_30._40.wav",
        f"Y{FIRST}_٣٠_٤٠.wav",
        f"Y{FIRST}_30_40.wav\n",
        f"{FIRST}.wav",
    ],
)
def test_other_names_are_no_segments(filename: str):
    with pytest.raises(DataError, match="is not named"):
        segment_of(filename)


def test_cut_is_exact(tube: Tube):
    samples = tube.video(FIRST, rate=44100)
    report = tube.fetch(name(FIRST))
    assert (report.fetched, report.present, report.failed.total()) == (1, 0, 0)
    path = tube.root / name(FIRST)
    facts = soundfile.info(path)
    assert (facts.samplerate, facts.channels, facts.subtype, facts.format) == (44100, 1, "PCM_16", "WAV")
    cut, _ = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(cut, samples[30 * 44100 : 40 * 44100, 0])
    [line] = tube.lines()
    assert (line["filename"], line["video_id"], line["outcome"], line["reason"]) == (name(FIRST), FIRST, "fetched", "")


def test_channels_are_averaged(tube: Tube):
    samples = tube.video(FIRST, channels=2)
    tube.fetch(name(FIRST))
    cut, _ = soundfile.read(tube.root / name(FIRST), dtype="int16")
    expected = samples[30 * 44100 : 40 * 44100].astype(float).mean(axis=1)
    np.testing.assert_allclose(cut, expected, atol=0.5)


@pytest.mark.parametrize("rate", [48000, 22050])
def test_other_rates_become_44100(tube: Tube, rate: int):
    time_axis = np.arange(60 * rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time_axis)
    soundfile.write(tube.videos / f"{FIRST}.wav", tone, rate, "PCM_16")
    tube.fetch(name(FIRST))
    cut, found = soundfile.read(tube.root / name(FIRST))
    assert (found, len(cut)) == (44100, 441000)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(441000) / 44100)
    np.testing.assert_allclose(cut[1000:-1000], expected[1000:-1000], atol=1e-3)


def test_several_segments_need_one_download(tube: Tube):
    samples = tube.video(FIRST)[:, 0]
    names = [name(FIRST), f"other/{FIRST}_0_7.wav", f"Y{FIRST}_12.500_13.250.wav"]
    assert tube.fetch(*names).fetched == 3
    assert tube.fetched_ids() == [FIRST]
    for filename, first, last in zip(names, (30, 0, 12.5), (40, 7, 13.25), strict=True):
        cut, _ = soundfile.read(tube.root / filename, dtype="int16")
        np.testing.assert_array_equal(cut, samples[round(first * 44100) : round(last * 44100)])
    assert "ExtractAudio+ffmpeg_o:-t 41" in tube.calls()[0]


def test_end_of_the_video(tube: Tube):
    tube.video(FIRST, seconds=35.5)
    report = tube.fetch(name(FIRST), name(FIRST, 35, 45), name(FIRST, 36, 46))
    assert report.fetched == 2
    assert report.failed == {"segment lies after the end of the video": 1}
    assert soundfile.info(tube.root / name(FIRST)).frames == round(5.5 * 44100)
    assert soundfile.info(tube.root / name(FIRST, 35, 45)).frames == round(0.5 * 44100)
    assert tube.lines()[-1]["detail"] == "the video has 35.50 s"
    assert tube.fetch(name(FIRST, 36, 46)).skipped == 1


def test_present_clips_and_other_names_are_left_alone(tube: Tube):
    present = tube.root / name(FIRST)
    present.parent.mkdir(parents=True)
    present.write_bytes(b"whatever it is")
    report = tube.fetch(name(FIRST), name(FIRST), "audio/12.wav")
    assert (report.present, report.fetched, report.not_of_youtube_form) == (1, 0, ["audio/12.wav"])
    assert "1 clips were there" in str(report)
    assert "audio/12.wav" in str(report)
    assert present.read_bytes() == b"whatever it is"
    assert tube.calls() == []


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("private", "Private video. Sign in if you've been granted access to this video. Use --cookies"),
        ("private", "Video unavailable. This video is private"),
        ("private", "Join this channel to get access to members-only content like this video, and other perks."),
        ("removed", "Video unavailable. This video has been removed by the uploader"),
        ("removed", "This video has been removed for violating YouTube's policy on hate speech."),
        (
            "removed",
            "Video unavailable. This video is no longer available because the YouTube account associated with this "
            "video has been terminated.",
        ),
        ("removed", "Video unavailable. This video is no longer available due to a copyright claim by Proxy"),
        (
            "removed",
            "Video unavailable. This video is no longer available because the uploader has closed their account.",
        ),
        ("removed", "Video unavailable. This video contains content from UMG, who has blocked it on copyright grounds"),
        ("unavailable", "Video unavailable"),
        ("unavailable", "Video unavailable. This video is not available"),
        ("unavailable", "Video unavailable. This content isn’t available."),
        ("age-restricted", "Sign in to confirm your age. This video may be inappropriate for some users."),
        (
            "blocked in country",
            "The uploader has not made this video available in your country\nThis video is available in Andorra",
        ),
        (
            "blocked in country",
            "Video unavailable. This video contains content from UMG, who has blocked it in your country on copyright "
            "grounds",
        ),
        ("other", "This video requires payment to watch"),
    ],
)
def test_permanent_failures(tube: Tube, reason: str, text: str):
    tube.error(FIRST, text)
    report = tube.fetch(name(FIRST))
    assert report.failed == {reason: 1}
    assert reason in str(report)
    [line] = tube.lines()
    assert (line["outcome"], line["reason"]) == ("failed", reason)
    assert line["detail"].startswith(f"ERROR: [youtube] {FIRST}: ")
    again = tube.fetch(name(FIRST))
    assert (again.skipped, again.failed.total(), len(tube.calls())) == (1, 0, 1)
    assert tube.fetch(name(FIRST), retry_failed=True).failed == {reason: 1}


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            "network",
            "Unable to download API page: HTTPSConnection(host='www.youtube.com', port=443): Failed to resolve "
            "'www.youtube.com' ([Errno -2] Name or service not known) (caused by TransportError(\"...\"))",
        ),
        ("network", "Unable to download webpage: The read operation timed out (caused by TransportError('...'))"),
        ("network", "unable to download video data: HTTP Error 503: Service Unavailable"),
        ("network", "fragment 3 not found, unable to continue"),
        ("yt-dlp out of date", "Requested format is not available. Use --list-formats for a list of available formats"),
        ("yt-dlp out of date", "unable to download video data: HTTP Error 403: Forbidden"),
        ("yt-dlp out of date", "The page needs to be reloaded."),
        ("yt-dlp out of date", "The following content is not available on this app.. Watch on the latest version of"),
    ],
)
def test_temporary_failures_are_tried_again(tube: Tube, reason: str, text: str):
    tube.error(FIRST, text)
    assert tube.fetch(name(FIRST)).failed == {reason: 1}
    (tube.videos / f"{FIRST}.error").unlink()
    tube.video(FIRST)
    assert tube.fetch(name(FIRST)).fetched == 1
    assert [line["outcome"] for line in tube.lines()] == ["failed", "fetched"]


@pytest.mark.parametrize(
    ("reason", "text", "advice"),
    [
        ("blocked as a robot", NOT_A_BOT, "--cookies FILE"),
        ("blocked as a robot", RATE_LIMITED, "wait some hours"),
        ("blocked as a robot", "Unable to download webpage: HTTP Error 429: Too Many Requests", "robot"),
        ("ffmpeg missing", "Postprocessing: ffprobe and ffmpeg not found. Please install or provide", "install ffmpeg"),
        ("no space left", "unable to write data: [Errno 28] No space left on device", "free space"),
    ],
)
def test_hopeless_failures_stop_the_run(tube: Tube, reason: str, text: str, advice: str):
    tube.video(FIRST)
    tube.error(SECOND, text)
    tube.video(THIRD)
    with pytest.raises(SedreproError, match=advice) as raised:
        tube.fetch(name(FIRST), name(SECOND), name(THIRD))
    assert "1 clips were fetched" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert classify(text) == reason
    assert [line["filename"] for line in tube.lines()] == [name(FIRST)]
    assert tube.fetched_ids() == [FIRST, SECOND]


def test_a_stop_ends_the_other_downloads_at_once(tube: Tube):
    tube.trouble(FIRST, "hangs")
    tube.error(SECOND, NOT_A_BOT)
    tube.trouble(SECOND, "slow")
    begin = time.monotonic()
    with pytest.raises(SedreproError, match="robot"):
        tube.fetch(name(FIRST), name(SECOND), name(THIRD), workers=2)
    assert time.monotonic() - begin < 20
    assert tube.lines() == []
    assert THIRD not in tube.fetched_ids()


@pytest.mark.parametrize(
    "command", [["/nowhere/yt-dlp"], ["no-such-program-of-ours"], [sys.executable, "-S", "-m", "yt_dlp"]]
)
def test_missing_yt_dlp(tube: Tube, command: list[str]):
    with pytest.raises(SedreproError, match="pip install") as raised:
        tube.fetch(name(FIRST), command=command)
    assert "ffmpeg" in str(raised.value)
    assert tube.lines() == []


def test_old_yt_dlp(tube: Tube):
    (tube.videos / f"{FIRST}.error").write_text("Usage: yt-dlp [OPTIONS]\n\nyt-dlp: error: no such option: --new\n")
    with pytest.raises(SedreproError, match="too old"):
        tube.fetch(name(FIRST))


def test_timeout(tube: Tube):
    tube.trouble(FIRST, "hangs")
    tube.video(SECOND)
    report = tube.fetch(name(FIRST), name(SECOND), timeout_seconds=1.0)
    assert (report.failed, report.fetched) == ({"took too long": 1}, 1)
    assert tube.lines()[0]["detail"] == "more than 1 s"


def test_dying_and_silent_downloads_are_tried_again(tube: Tube):
    tube.trouble(FIRST, "dies")
    report = tube.fetch(name(FIRST), name(SECOND))
    assert report.failed == {"yt-dlp broke off": 2}
    assert [line["detail"] for line in tube.lines()] == ["exit status -9, no audio", "exit status 0, no audio"]
    assert tube.fetch(name(FIRST), name(SECOND)).failed.total() == 2


def test_unreadable_audio(tube: Tube):
    (tube.videos / f"{FIRST}.wav").write_bytes(b"RIFF, but no audio")
    assert tube.fetch(name(FIRST)).failed == {"other": 1}
    assert "cannot be read" in tube.lines()[0]["detail"]
    assert not list(tube.root.rglob("*.wav"))


def test_warnings_before_the_error_do_not_count(tube: Tube):
    text = f"WARNING: HTTP Error 429: Too Many Requests. Retrying\nERROR: [youtube] {FIRST}: Video unavailable\n"
    (tube.videos / f"{FIRST}.error").write_text(text)
    assert tube.fetch(name(FIRST)).failed == {"unavailable": 1}


def test_failure_after_failure_stops_the_run(tube: Tube, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(youtube, "FAILURES_IN_A_ROW", 3)
    names = [name(f"AAAAAAAAAA{n}") for n in range(8)]
    for n in (0, 1, 3, 4, 5, 6, 7):
        tube.error(f"AAAAAAAAAA{n}", "Unable to download webpage: timed out")
    tube.video("AAAAAAAAAA2")
    with pytest.raises(SedreproError, match="3 downloads in a row failed, the last for 'network'"):
        tube.fetch(*names)
    assert len(tube.lines()) == 6
    # The next call begins with those that have not had their turn.
    with pytest.raises(SedreproError, match="in a row"):
        tube.fetch(*names)
    assert tube.fetched_ids()[6:8] == ["AAAAAAAAAA6", "AAAAAAAAAA7"]


def test_starts_are_kept_apart(tube: Tube):
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    for video_id in (FIRST, SECOND, THIRD):
        tube.video(video_id, seconds=31)
    names = [name(video_id) for video_id in (FIRST, SECOND, THIRD)]
    tube.fetch(*names, pause_seconds=2.5, clock=lambda: now[0], sleep=sleep, workers=3)
    assert slept == [2.5, 2.5]


def test_pause_counts_what_has_passed():
    now, slept = [0.0], []
    pause = Pause(2.0, lambda: now[0], slept.append)
    pause.wait()
    now[0] = 1.5
    pause.wait()
    now[0] = 9.0
    pause.wait()
    assert slept == [0.5]


def test_pause_holds_for_all_threads_together():
    pause, starts = Pause(0.05, time.monotonic, time.sleep), []

    def start_twice() -> None:
        for _ in range(2):
            pause.wait()
            starts.append(time.monotonic())

    threads = [threading.Thread(target=start_twice) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(starts) - min(starts) >= 5 * 0.05 - 0.01


def test_options_given_to_yt_dlp(tube: Tube, tmp_path: Path):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    tube.video(FIRST)
    tube.fetch(name(FIRST), cookies=cookies)
    [call] = tube.calls()
    assert call[-2:] == ["--", f"https://www.youtube.com/watch?v={FIRST}"]
    own = Path(call[call.index("--cookies") + 1])
    assert own != cookies
    assert not own.exists()  # the copy goes with the download's folder
    for option in ("--ignore-config", "--extract-audio", "--sleep-requests", "--abort-on-unavailable-fragments"):
        assert option in call
    with pytest.raises(SettingsError, match=r"none\.txt: no such file"):
        tube.fetch(name(SECOND), cookies=tmp_path / "none.txt")


@pytest.mark.parametrize("workers", [0, 4])
def test_few_workers_only(tube: Tube, workers: int):
    with pytest.raises(SettingsError, match="use 1 to 3"):
        tube.fetch(name(FIRST), workers=workers)


def test_torn_last_line_is_dropped(tube: Tube):
    tube.error(FIRST, "Private video")
    tube.fetch(name(FIRST))
    whole = tube.journal.read_bytes()
    tube.journal.write_bytes(whole + f"{name(SECOND)}\t{SECOND}\tfail".encode())
    tube.video(SECOND)
    report = tube.fetch(name(FIRST), name(SECOND))
    assert (report.skipped, report.fetched) == (1, 1)
    assert tube.journal.read_bytes().startswith(whole + f"{name(SECOND)}\t{SECOND}\tfetched".encode())


def test_torn_header_is_written_again(tube: Tube):
    tube.journal.parent.mkdir()
    tube.journal.write_bytes(b"filename\tvid")
    tube.video(FIRST)
    tube.fetch(name(FIRST))
    assert len(tube.lines()) == 1


def test_broken_journals_are_refused(tube: Tube):
    tube.journal.parent.mkdir()
    tube.journal.write_text("something else entirely, to be kept")
    with pytest.raises(DataError, match=r"youtube\.tsv: is no journal"):
        tube.fetch(name(FIRST))
    assert tube.journal.read_text() == "something else entirely, to be kept"
    tube.journal.write_text("\t".join(JOURNAL_COLUMNS) + "\nonly\ttwo\n")
    with pytest.raises(DataError, match="row 2 has 2 fields"):
        tube.fetch(name(FIRST))
    with pytest.raises(DataError, match="cannot be opened"):
        fetch_clips([], tube.root, tube.journal.parent)


def test_latest_line_of_a_clip_counts(tube: Tube):
    tube.error(FIRST, "Private video")
    tube.fetch(name(FIRST))
    with open(tube.journal, "a") as file:
        file.write(f"{name(FIRST)}\t{FIRST}\tfailed\tnetwork\tlater\t2026-01-01\n")
    assert tube.fetch(name(FIRST)).skipped == 0


def test_one_process_a_journal(tube: Tube):
    with (
        Journal.opened(tube.journal),
        pytest.raises(DataError, match="another process fetches clips with it"),
    ):
        tube.fetch(name(FIRST))


def test_clip_that_cannot_be_written_stops_the_run(tube: Tube):
    tube.video(FIRST)
    tube.root.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cannot be written"):
        tube.fetch(name(FIRST))
    assert tube.lines() == []


DRIVER = """
import json, signal, sys
from pathlib import Path
from sedrepro.annotations.clips import Clip
from sedrepro.obtaining.youtube import fetch_clips
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts jobs in the background with it ignored
names, command, root, journal = json.loads(sys.argv[1])
clips = [Clip(name, "weak", "video") for name in names]
fetch_clips(clips, Path(root), Path(journal), workers=2, pause_seconds=0.0, command=command)
"""


@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGINT])
def test_ended_in_the_middle_and_resumed(tube: Tube, signal_sent: signal.Signals):
    video_ids = [f"AAAAAAAAA{n:02}" for n in range(12)]
    for video_id in video_ids:
        tube.video(video_id, seconds=31, rate=8000)
        tube.trouble(video_id, "slow")
    names = [name(video_id) for video_id in video_ids]
    state = json.dumps([names, tube.command, str(tube.root), str(tube.journal)])
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(DRIVER), state], stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(tube.root.rglob("Y*.wav"))) >= 3)
    os.kill(process.pid, signal_sent)
    process.wait(20)
    wait_for(lambda: is_free(tube.journal))  # what was killed between fork and exec of a download holds it for a moment

    kept = {path: path.stat().st_mtime_ns for path in tube.root.rglob("Y*.wav")}
    assert 3 <= len(kept) < 12
    assert all(soundfile.info(path).frames == 44100 for path in kept)
    report = tube.fetch(*names, workers=2)
    assert (report.present, report.fetched) == (len(kept), 12 - len(kept))
    assert all(tube.fetched_ids().count(segment_of(path.name).video_id) == 1 for path in kept)
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())
    assert sorted(path.name for path in tube.journal.parent.iterdir()) == ["youtube.tsv"]
    fetched = [line["filename"] for line in tube.lines()]
    # Only clips that ran when the process ended may lack their line; the clip itself is there.
    assert len(fetched) == len(set(fetched)) >= 10


def test_what_a_killed_run_left_goes(tube: Tube):
    left = tube.journal.with_name(".youtube.tsv.downloads") / "tmpabc"
    left.mkdir(parents=True)
    (left / "audio.webm").write_bytes(b"half a video")
    tube.fetch()
    assert not left.parent.exists()


def is_free(journal: Path) -> bool:
    with open(journal, "a+b") as file:
        return try_lock(file)


def wait_for(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
