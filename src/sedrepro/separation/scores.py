"""What a trained network says of a recording of any length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature

import numpy as np
import torch

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import log_mel_on
from sedrepro.clips import Event
from sedrepro.detection.postprocessing import events
from sedrepro.errors import DataError, SettingsError
from sedrepro.files import read_json
from sedrepro.nn.output import Network
from sedrepro.reporting.run_view import RunView
from sedrepro.typed import load

#: Frame scores (clip, frame, class) and clip scores (clip, class) -> activity, bool (clip, frame, class).
Detect = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scores:
    """Scores of one recording, put together from windows of the length that the network was trained on.

    windows: first frame of each; clip: (window, class); frame: (frame, class); masks: (class, frame, mel); logmel:
    (frame, mel), not standardised. A recording shorter than a window is followed by silence, up to a window.
    """

    windows: list[int]
    clip: np.ndarray
    frame: np.ndarray
    masks: np.ndarray
    logmel: np.ndarray


def window_starts(frames: int, window: int) -> list[int]:
    """First frames of windows that cover `frames` and overlap by half, the last one by more."""
    return [*range(0, frames - window, max(window // 2, 1)), max(frames - window, 0)]


@dataclass(frozen=True)
class Listener:
    """A trained network, ready for recordings; mean and deviation (mel,) standardise its features."""

    network: Network
    mean: np.ndarray
    deviation: np.ndarray
    classes: list[str]
    front_end: FrontEnd

    @torch.no_grad()
    def scores(self, samples: np.ndarray) -> Scores:
        """Scores of a recording (sample,) at the front end's rate; neighbouring windows are cross-faded."""
        length, frames = self.front_end.n_frames, frames_in(len(samples), self.front_end)
        starts = window_starts(frames, length)
        fade = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)).astype(np.float32)
        clip, weight = np.empty((len(starts), len(self.classes)), np.float32), np.zeros(frames, np.float32)
        frame = np.zeros((frames, len(self.classes)), np.float32)
        logmel = np.empty((frames, self.front_end.n_mels), np.float32)
        masks = np.zeros((len(self.classes), *logmel.shape), np.float32)
        for number, start in enumerate(starts):
            here = slice(start, start + length)
            logmel[here] = self._features(samples[start * self.front_end.hop_length :])
            standardised = torch.from_numpy((logmel[here] - self.mean) / self.deviation).float()
            output = self.network(standardised[None], explain=True)
            clip[number] = output.clip[0].numpy()
            weight[here] += fade
            frame[here] += output.frame[0].numpy() * fade[:, None]
            masks[:, here] += output.maps["masks"][0].numpy() * fade[:, None]
        frame /= weight[:, None]
        masks /= weight[:, None]
        return Scores(starts, clip, frame, masks, logmel)

    def _features(self, samples: np.ndarray) -> np.ndarray:
        """Log-mel features (frame, mel) of the window that begins with `samples`."""
        samples = samples[: self.front_end.samples].astype(np.float32)
        padded = np.pad(samples, (0, self.front_end.samples - len(samples)))
        return log_mel_on(self.front_end, "cpu")(torch.from_numpy(padded)).numpy()


def listener_of(run: RunView) -> Listener:
    """The network of a trained run.

    Raises:
        DataError: there is no such run, it had another front end, or its files are damaged.
        SettingsError: its network gives no masks.
    """
    _require_run(run)
    network = run.network()
    if not gives_masks(network, run.front_end):
        raise SettingsError(
            f"{run.who.paper}: system '{run.who.system}' gives no masks of time-frequency bins to separate by; "
            "take a system that pools such masks"
        )
    return Listener(network, run.scores["mean"], run.scores["deviation"], run.classes, run.front_end)


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
    scores: Scores, detect: Detect, classes: Sequence[str], front_end: FrontEnd, seconds: float
) -> list[Event]:
    """Events of a recording of so many seconds, sorted by onset.

    Each window is decided as a clip of its own, with its own clip scores, and what one of them finds counts: with one
    clip score for all of a long recording, nearly every class would be in it.
    """
    active = np.zeros((1, *scores.frame.shape), dtype=bool)
    for start, clip in zip(scores.windows, scores.clip, strict=True):
        here = slice(start, start + front_end.n_frames)
        active[:, here] |= detect(scores.frame[None, here], clip[None])
    return events(active, front_end.frames_per_second, classes, [seconds])[0]


def _require_run(run: RunView) -> None:
    """Raise unless the run is there and was trained on the features that the settings describe."""
    who, described = run.who, run.folder / "config.json"
    words = " ".join(f"--{word} {value}" for word, value in vars(who).items())
    if not described.is_file():
        raise DataError(f"{run.folder}: no such run; make its features, then: python -m sedrepro train {words}")
    trained = load(FrontEnd, read_json(described).get("settings", {}).get("front_end", {}), str(described))
    if trained != run.front_end:
        raise DataError(f"{run.folder}: was trained with another front end than the settings have; train it again")
