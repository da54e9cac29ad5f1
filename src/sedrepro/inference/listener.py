"""Scores of a recording of any length from a network that was trained on clips of one length.

A recording is cut into windows of exactly the length of the training clips, as some networks take no other. Windows
overlap by half and are cross-faded. They begin at whole frames of scores, so that a network that makes one frame of
scores of several frames of features scores all windows on one grid.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from inspect import signature

import numpy as np
import torch

from sedrepro.annotations.clips import Event
from sedrepro.audio.extraction import clip_features
from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.detection.frames import segment_frames
from sedrepro.detection.method import Detector
from sedrepro.detection.scores import Scores
from sedrepro.experiments.run_config import config_file
from sedrepro.experiments.run_view import RunView
from sedrepro.nn.output import Network

#: Events of one class that are no farther apart than this touch; what windows say of one moment differs by rounding.
TOUCH_SECONDS = 1e-5


@dataclass(frozen=True)
class Heard:
    """What a network says of one recording, put together from windows.

    starts: first frame of scores of each window; window: frames of scores in one; clip: (window, class); frame: (frame
    of scores, class) at `frames_per_second`; logmel: (frame, mel), not standardised; masks: (class, frame, mel), and
    segments: (window, segment, class), where they were asked for. A recording shorter than a window is filled up like
    the clips that the network was trained on.
    """

    starts: Sequence[int]
    window: int
    clip: np.ndarray
    frame: np.ndarray
    frames_per_second: float
    logmel: np.ndarray
    masks: np.ndarray | None = None
    segments: np.ndarray | None = None

    @property
    def class_masks(self) -> np.ndarray:
        """Masks (class, frame, mel).

        Raises:
            ValueError: they were not asked for.
        """
        if self.masks is None:
            raise ValueError("no masks were asked for")
        return self.masks


def window_starts(frames: int, window: int, grid: int = 1) -> list[int]:
    """First frames of windows that cover `frames` and overlap by half, the last one by more.

    All are multiples of `grid`; the last window may for its sake reach beyond the last frame by less than that.
    """
    last = -(-max(frames - window, 0) // grid) * grid
    return [*range(0, last, max(window // 2 // grid, 1) * grid), last]


@dataclass
class CrossFade:
    """Overlapping stretches of frames (frame, ...) put together; each counts the less the nearer to its ends."""

    frames: int
    _parts: list[tuple[int, np.ndarray]] = field(default_factory=list)

    def add(self, start: int, values: np.ndarray) -> None:
        """Put down a stretch from frame `start` on."""
        self._parts.append((start, values))

    def values(self) -> np.ndarray:
        """The weighted mean of the stretches, float32; every frame must lie in one."""
        weight = np.zeros(self.frames, np.float32)
        total = np.zeros((self.frames, *self._parts[0][1].shape[1:]), np.float32)
        for start, values in self._parts:
            length = len(values)
            fade = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)).astype(np.float32)
            weight[start : start + length] += fade
            total[start : start + length] += values * _along(fade, values)
        return total / _along(weight, total)


def _along(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights (frame,) that multiply values (frame, ...)."""
    return weights.reshape(-1, *[1] * (values.ndim - 1))


@dataclass(frozen=True)
class Listener:
    """A trained network, ready for recordings; mean and deviation (mel,) standardise its features."""

    network: Network
    mean: np.ndarray
    deviation: np.ndarray
    classes: list[str]
    front_end: FrontEnd

    @torch.no_grad()
    def listen(self, samples: np.ndarray, with_masks: bool = False, segment_seconds: float | None = None) -> Heard:
        """Scores of a recording (sample,) at the front end's rate; of segments of so many seconds, where asked for.

        Raises:
            SettingsError: the network has no frame scores, or cannot pool segments.
        """
        window, grid = self.front_end.n_frames, self.network.time_reduction
        rate = self.front_end.frames_per_second / grid
        spans = segment_frames(window // grid, rate, segment_seconds) if segment_seconds else []
        segments: list[np.ndarray] = []
        explained = {"explain": True} if with_masks or spans else {}
        frames = frames_in(len(samples), self.front_end)
        starts = window_starts(frames, window, grid)
        logmel = np.empty((starts[-1] + window, self.front_end.n_mels), np.float32)
        clip, frame = [], CrossFade((starts[-1] + window) // grid)
        masks = CrossFade(len(logmel))
        for start in starts:
            first = start * self.front_end.hop_length
            part = samples[first : first + self.front_end.samples].astype(np.float32)
            features = clip_features(part, self.front_end)
            logmel[start : start + window] = features
            standardised = torch.from_numpy((features - self.mean) / self.deviation).float()
            output = self.network(standardised[None], **explained)
            if output.frame is None:
                raise SettingsError("this network has no frame scores to find events in; choose another system")
            clip.append(output.clip[0].float().numpy())
            frame.add(start // grid, output.frame[0].float().numpy())
            segments += [np.stack([self.network.pooled(output, span)[0].numpy() for span in spans])] if spans else []
            if with_masks:
                masks.add(start, np.moveaxis(output.maps["masks"][0].float().numpy(), 0, 1))
        return Heard(
            starts=[start // grid for start in starts],
            window=window // grid,
            clip=np.stack(clip),
            frame=frame.values(),
            frames_per_second=rate,
            logmel=logmel[:frames],
            masks=np.moveaxis(masks.values(), 1, 0) if with_masks else None,
            segments=np.stack(segments) if segments else None,
        )


def listener_of(run: RunView) -> Listener:
    """The network of a trained run.

    Raises:
        DataError: there is no such run, it had another front end, or its files are damaged.
    """
    _require_run(run)
    front_end = run.front_end  # first: the network of today's settings may not even be built for other features
    return Listener(run.network(), run.scores["mean"], run.scores["deviation"], run.classes, front_end)


def frames_in(samples: int, front_end: FrontEnd) -> int:
    """Frames of a recording of so many samples; at least those of one window."""
    seconds = max(samples, front_end.samples) / front_end.sample_rate
    return front_end.model_copy(update={"clip_seconds": seconds}).n_frames


def gives_masks(network: Network, front_end: FrontEnd) -> bool:
    """Whether a network explains itself by a mask of the time-frequency bins of every class."""
    if "explain" not in signature(network.forward).parameters:
        return False
    with torch.no_grad():
        return "masks" in network(torch.zeros(1, front_end.n_frames, front_end.n_mels), explain=True).maps


def detected_events(
    heard: Heard, detector: Detector, classes: Sequence[str], front_end: FrontEnd, seconds: float
) -> list[Event]:
    """Events of a recording of so many seconds, sorted by onset, in seconds to the microsecond.

    Each window is decided as a clip of its own, with its own clip scores: with one clip score for all of a long
    recording, nearly every class would be in it, and a gate by clip scores would let everything pass. What one of two
    overlapping windows finds is kept; events of a class that overlap or touch become one. Frame scores are those of the
    whole recording, cross-faded.
    """
    starts = np.array(heard.starts) / heard.frames_per_second
    windows = Scores(
        classes=classes,
        filenames=[f"{start:.3f} s" for start in starts],
        clip=heard.clip,
        frame=np.stack([heard.frame[start : start + heard.window] for start in heard.starts]),
        frames_per_second=heard.frames_per_second,
        durations=seconds - starts,
        targets=np.zeros(heard.clip.shape, np.uint8),
        reference=[None] * len(starts),
        feature_frames=front_end.n_frames,
        features_per_second=front_end.frames_per_second,
        segments=heard.segments,
    )
    return united(
        Event(round(event.onset + start, 6), min(round(event.offset + start, 6), seconds), event.event_label)
        for start, found in zip(starts.tolist(), detector.events(windows), strict=True)
        for event in found
    )


def united(events: Iterable[Event]) -> list[Event]:
    """Events sorted by onset; those of one class that overlap or touch are one."""
    kept: list[Event] = []
    last: dict[str, int] = {}
    for event in sorted(events):
        place = last.get(event.event_label)
        if place is not None and event.onset <= kept[place].offset + TOUCH_SECONDS:
            kept[place] = Event(kept[place].onset, max(kept[place].offset, event.offset), event.event_label)
        else:
            last[event.event_label] = len(kept)
            kept.append(event)
    return sorted(kept)


def _require_run(run: RunView) -> None:
    """Raise unless the run is there."""
    words = " ".join(f"--{word} {value}" for word, value in vars(run.who).items())
    if not config_file(run.folder).is_file():
        raise DataError(f"{run.folder}: no such run; make its features, then: python -m sedrepro train {words}")
