"""Clips that only YouTube has: downloaded with yt-dlp, cut, and a journal of those that cannot be had. Opt-in."""

import contextlib
import importlib.util
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from sedrepro.annotations.clips import Clip, Segment, segment_of
from sedrepro.audio.reading import AudioError, opened, resample
from sedrepro.audio.writing import write_sixteen_bit
from sedrepro.base.errors import DataError, SedreproError, SettingsError
from sedrepro.obtaining.journal import Journal
from sedrepro.obtaining.youtube_messages import (
    ADVICE,
    AFTER_THE_END,
    BROKE_OFF,
    NO_YT_DLP,
    OTHER,
    TEMPORARY,
    TOO_LONG,
    UPGRADE,
    classify,
)

TERMS = (
    "The audio of these clips belongs to those who uploaded it, and YouTube's terms forbid downloading without "
    "permission; only the AudioSet labels are licensed (CC BY 4.0). Do not pass the clips on; whether you may fetch "
    "them where you are is yours to decide."
)
SAMPLE_RATE = 44100
MOST_WORKERS = 3
# Some 300 videos an hour are what YouTube is said to let a guest have.
PAUSE_SECONDS = 10.0
FAILURES_IN_A_ROW = 20


@dataclass
class FetchReport:
    """Clips of one call, counted by what became of them."""

    present: int = 0
    """Were there before."""
    fetched: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By reason."""
    skipped: int = 0
    """Failed for good in an earlier call."""
    not_of_youtube_form: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.present} clips were there, {self.fetched} fetched, {self.failed.total()} failed, "
            f"{self.skipped} skipped because they failed before"
        ]
        lines += [f"  failed, {reason}: {count}" for reason, count in self.failed.most_common()]
        if self.not_of_youtube_form:
            count, first = len(self.not_of_youtube_form), self.not_of_youtube_form[0]
            lines.append(f"  not named like a YouTube segment, so not fetched: {count} ('{first}' for example)")
        return "\n".join(lines)


class VideoError(Exception):
    """A video or one of its segments cannot be had."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RunStoppedError(Exception):
    """The run ends; this video has no outcome."""


def fetch_clips(
    clips: Sequence[Clip],
    data_root: Path,
    journal: Path,
    workers: int = 2,
    pause_seconds: float = PAUSE_SECONDS,
    retry_failed: bool = False,
    command: Sequence[str] | None = None,
    cookies: Path | None = None,
    timeout_seconds: float = 600.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] | None = None,
) -> FetchReport:
    """Fetch the clips that are missing below `data_root` from YouTube: WAV, mono, 44.1 kHz, 16 bit.

    `pause_seconds` lie at least between the starts of two downloads, `timeout_seconds` limits each. `command` starts
    yt-dlp (default: the installed one) and may carry options of its own. A killed or stopped call goes on where it was.

    Raises:
        SettingsError: there are too few or too many workers, or the file of cookies is missing.
        SedreproError: YouTube blocks this computer, yt-dlp or ffmpeg is missing, or download after download fails.
        DataError: a clip cannot be written, the journal is broken, or another process uses it.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise SettingsError(
            f"{workers} workers; YouTube blocks clients that send too many requests; use 1 to {MOST_WORKERS}"
        )
    if cookies is not None and not cookies.is_file():
        raise SettingsError(f"{cookies}: no such file of cookies")
    report = FetchReport()
    missing = _missing(clips, data_root, report)
    with Journal.opened(journal) as log, _temporary_folder(journal) as folder:
        videos = _by_video(missing, log.outcomes, retry_failed, report)
        if not videos:
            return report
        downloads = Downloads(_checked(command), cookies, timeout_seconds, pause_seconds, clock, sleep)
        _Run(data_root, folder, log, downloads, report).work(videos, workers)
    return report


def _missing(clips: Sequence[Clip], data_root: Path, report: FetchReport) -> dict[str, Segment]:
    """Segments of the missing clips by filename; the others are counted."""
    missing = {}
    for filename in dict.fromkeys(clip.filename for clip in clips):
        if (data_root / filename).is_file():
            report.present += 1
            continue
        try:
            missing[filename] = segment_of(filename)
        except DataError:
            report.not_of_youtube_form.append(filename)
    return missing


def _by_video(
    missing: dict[str, Segment], outcomes: dict[str, dict[str, str]], retry_failed: bool, report: FetchReport
) -> dict[str, dict[str, Segment]]:
    """Segments to fetch by video and filename; clips that failed for good are left out and counted."""
    videos: dict[str, dict[str, Segment]] = {}
    # Those tried last come last: twenty that fail every time must not keep the others from their turn.
    for filename in sorted(missing, key=lambda name: outcomes[name]["date"] if name in outcomes else ""):
        before = outcomes.get(filename, {"outcome": "", "reason": ""})
        if before["outcome"] == "failed" and before["reason"] not in TEMPORARY and not retry_failed:
            report.skipped += 1
        else:
            videos.setdefault(missing[filename].video_id, {})[filename] = missing[filename]
    return videos


def _checked(command: Sequence[str] | None) -> list[str]:
    """The command with the full path of its program, as it runs in other folders.

    Raises:
        SedreproError: there is no yt-dlp.
    """
    if command is None:
        command = [sys.executable, "-m", "yt_dlp"] if importlib.util.find_spec("yt_dlp") else ["yt-dlp"]
    program = shutil.which(command[0])
    if program is None:
        raise SedreproError(ADVICE[NO_YT_DLP])
    return [os.path.abspath(program), *command[1:]]


@contextlib.contextmanager
def _temporary_folder(journal: Path) -> Iterator[Path]:
    """An empty folder beside the journal; what a killed call left there goes first (the journal's lock is held)."""
    folder = journal.with_name(f".{journal.name}.downloads")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """The downloads of one call, their journal and their counts."""

    def __init__(
        self, data_root: Path, folder: Path, journal: Journal, downloads: "Downloads", report: FetchReport
    ) -> None:
        self.data_root = data_root
        self.folder = folder
        self.journal = journal
        self.downloads = downloads
        self.report = report
        self.lock = threading.Lock()
        self.failures_in_a_row = 0

    def work(self, videos: dict[str, dict[str, Segment]], workers: int) -> None:
        """Fetch all videos; the first error stops the downloads that run."""
        total = sum(map(len, videos.values()))
        with (
            tqdm(total=total, desc="clips from YouTube", unit="clip", disable=None) as bar,
            ThreadPoolExecutor(workers) as pool,
        ):
            try:
                for future in as_completed([pool.submit(self._fetch, *video) for video in videos.items()]):
                    bar.update(future.result())
            except BaseException:
                self.downloads.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fetch(self, video_id: str, segments: dict[str, Segment]) -> int:
        """Fetch one video's clips; the number of clips, or 0 if the run ended before they had an outcome."""
        try:
            with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
                self._fetch_into(Path(folder), video_id, segments)
        except RunStoppedError:
            return 0
        except SedreproError:
            self.downloads.stop()  # at once: this thread would start the next video before others hear of it
            raise
        except OSError as error:
            self.downloads.stop()
            raise DataError(
                f"{error.filename or self.folder}: {error.strerror or error}; run the same command again to continue"
            ) from error
        return len(segments)

    def _fetch_into(self, folder: Path, video_id: str, segments: dict[str, Segment]) -> None:
        try:
            audio = self.downloads.audio_of(video_id, max(segment.end for segment in segments.values()), folder)
        except VideoError as failure:
            self._stop_if_hopeless(failure)
            for filename in segments:
                self._failed(filename, video_id, failure)
            self._count(failure)
            return
        self.failures_in_a_row = 0
        for filename, segment in segments.items():
            try:
                cut_segment(audio, segment, self.data_root / filename)
            except VideoError as failure:
                self._failed(filename, video_id, failure)
            else:
                self.journal.add(filename, video_id, "fetched")
                with self.lock:
                    self.report.fetched += 1

    def _failed(self, filename: str, video_id: str, failure: VideoError) -> None:
        self.journal.add(filename, video_id, "failed", failure.reason, failure.detail)
        with self.lock:
            self.report.failed[failure.reason] += 1

    def _stop_if_hopeless(self, failure: VideoError) -> None:
        if failure.reason in ADVICE:
            raise SedreproError(f"{ADVICE[failure.reason]} [{failure.detail}]; {self._done()}")

    def _count(self, failure: VideoError) -> None:
        """Stop where failure follows failure for reasons that may be no matter of the videos."""
        doubtful = failure.reason in TEMPORARY or failure.reason == OTHER
        with self.lock:
            self.failures_in_a_row = self.failures_in_a_row + 1 if doubtful else 0
            hopeless = self.failures_in_a_row >= FAILURES_IN_A_ROW
        if hopeless:
            raise SedreproError(
                f"{FAILURES_IN_A_ROW} downloads in a row failed, the last for '{failure.reason}'; {UPGRADE} "
                f"[{failure.detail}]; {self._done()}"
            )

    def _done(self) -> str:
        return f"{self.report.fetched} clips were fetched; run the same command again to continue"


class Downloads:
    """Runs yt-dlp, with pauses between the starts, until it is stopped."""

    def __init__(
        self,
        command: Sequence[str],
        cookies: Path | None,
        timeout_seconds: float,
        pause_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.command = list(command)
        self.cookies = cookies
        self.timeout_seconds = timeout_seconds
        self.stopped = threading.Event()
        self.pause = Pause(pause_seconds, clock, sleep or self.stopped.wait)
        self.lock = threading.Lock()
        self.running: set[subprocess.Popen] = set()

    def audio_of(self, video_id: str, end: float, folder: Path) -> Path:
        """Download the audio of a video up to `end` seconds as WAV into `folder`.

        Raises:
            VideoError: yt-dlp could not, or took too long.
            RunStoppedError: `stop` was called.
        """
        arguments = _arguments(video_id, end, self._own_cookies(folder))
        self.pause.wait()
        with open(folder / "errors.txt", "w+b") as errors:
            code = self._run([*self.command, *arguments], folder, errors)
            errors.seek(0)
            said = errors.read().decode("utf-8", errors="replace")
        audio = folder / "audio.wav"
        if code or not audio.is_file():
            raise _failure(code, said)
        return audio

    def stop(self) -> None:
        """End the downloads that run and let none begin."""
        with self.lock:
            self.stopped.set()
            for process in self.running:
                _kill(process)

    def _run(self, command: Sequence[str], folder: Path, errors: BinaryIO) -> int:
        quiet = subprocess.DEVNULL
        with self.lock:
            if self.stopped.is_set():
                raise RunStoppedError
            # A session of its own, so that yt-dlp's ffmpeg ends with it.
            process = subprocess.Popen(
                command, cwd=folder, stdin=quiet, stdout=quiet, stderr=errors, start_new_session=True
            )
            self.running.add(process)
        try:
            code = process.wait(self.timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise VideoError(TOO_LONG, f"more than {self.timeout_seconds:g} s") from error
        finally:
            _kill(process)
            process.wait()
            with self.lock:
                self.running.discard(process)
        if self.stopped.is_set() and code:
            raise RunStoppedError
        return code

    def _own_cookies(self, folder: Path) -> Path | None:
        # yt-dlp writes its cookies back at its end, and several at once would spoil the user's file.
        return None if self.cookies is None else Path(shutil.copy(self.cookies, folder / "cookies.txt"))


class Pause:
    """Keeps the starts of downloads of all threads apart."""

    def __init__(self, seconds: float, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self.seconds = seconds
        self.clock = clock
        self.sleep = sleep
        self.lock = threading.Lock()
        self.earliest = -math.inf

    def wait(self) -> None:
        """Return when the next download may start."""
        with self.lock:
            early = self.earliest - self.clock()
            if early > 0:
                self.sleep(early)
            self.earliest = self.clock() + self.seconds


def _kill(process: subprocess.Popen) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _arguments(video_id: str, end: float, cookies: Path | None) -> list[str]:
    """yt-dlp's arguments for one video; it runs in the folder that gets `audio.wav`."""
    return [
        # What the user set for watching videos (an archive of seen ones, an output folder) would break this.
        "--ignore-config",
        *("--quiet", "--no-warnings", "--no-progress", "--no-playlist"),
        *("--format", "bestaudio/best", "--extract-audio", "--audio-format", "wav"),
        # Nobody needs the rest of a video of hours; the cut itself is exact.
        *("--postprocessor-args", f"ExtractAudio+ffmpeg_o:-t {math.ceil(end) + 1}"),
        # By default yt-dlp leaves out a piece that it cannot load, which would shift all that follows.
        "--abort-on-unavailable-fragments",
        *("--retries", "3", "--fragment-retries", "5", "--extractor-retries", "2", "--retry-sleep", "exp=1:20"),
        *("--socket-timeout", "30", "--sleep-requests", "1"),
        *(("--cookies", str(cookies.resolve())) if cookies else ()),
        *("--output", "audio.%(ext)s"),
        *("--", f"https://www.youtube.com/watch?v={video_id}"),
    ]


def _failure(code: int, said: str) -> VideoError:
    """Why a download failed, from yt-dlp's exit status and standard error."""
    lines = [line for line in said.splitlines() if line.strip()]
    # Warnings that precede the error may speak of trouble that was overcome.
    first = next((number for number, line in enumerate(lines) if line.startswith("ERROR:")), None)
    if first is None:
        detail = lines[-1] if lines else f"exit status {code}, no audio"
        reason = classify(said)
        return VideoError(BROKE_OFF if reason == OTHER else reason, detail[:300])
    return VideoError(classify("\n".join(lines[first:])), lines[first][:300])


def cut_segment(audio: Path, segment: Segment, target: Path) -> None:
    """Cut [start, end) out of a video's audio and write it: mono, 44.1 kHz, 16 bit; shorter if the video ends before.

    Raises:
        VideoError: nothing of the segment exists, or the audio cannot be read.
        DataError: the clip cannot be written.
    """
    parts, place = [], 0
    try:
        with opened(audio) as sound:
            rate = sound.rate
            first, last = round(segment.start * rate), round(segment.end * rate)
            for block in sound.blocks:
                parts.append(block[max(first - place, 0) : max(last - place, 0)])
                place += len(block)
                if place >= last:
                    break
    except AudioError as error:
        raise VideoError(OTHER, f"the downloaded audio cannot be read ({error.reason})") from error
    samples = np.concatenate(parts)
    if not len(samples):
        raise VideoError(AFTER_THE_END, f"the video has {place / rate:.2f} s")
    write_sixteen_bit(target, resample(samples, rate, SAMPLE_RATE), SAMPLE_RATE)
