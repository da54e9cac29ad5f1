"""From mel masks and events to the sound of each event."""

from collections.abc import Sequence

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd, mel_centres, mel_filters
from sedrepro.inference.stft import TightStft

FADE_SECONDS = 0.01


def mel_to_bins(front_end: FrontEnd) -> np.ndarray:
    """What each mel band's mask counts in each frequency bin, (mel, frequency bin); the bands of a bin add up to 1.

    The front end's mel filters, normalised bin by bin; a bin that no filter takes up follows the nearest band.
    """
    rate, length = front_end.sample_rate, front_end.window_length
    filters = mel_filters(rate, length, front_end.n_mels, front_end.fmin, front_end.fmax)
    bare = np.flatnonzero(filters.sum(axis=0) == 0)
    distance = np.abs(np.fft.rfftfreq(length, 1 / rate)[bare] - mel_centres(front_end)[:, None])
    filters[distance.argmin(axis=0), bare] = 1
    return filters / filters.sum(axis=0)


class Separator:
    """Sounds of the events of one recording.

    samples: (sample,) at the front end's rate; masks: (class, frame, mel) in [0, 1] on the front end's frames, which
    hold beyond the first and the last frame; events: all that are wanted. Where the masks of classes that sound at the
    same time exceed 1 in sum, they share the bin in proportion: together the classes have at most the mixture's energy.
    """

    def __init__(
        self,
        samples: np.ndarray,
        masks: np.ndarray,
        events: Sequence[Event],
        classes: Sequence[str],
        front_end: FrontEnd,
    ) -> None:
        self.samples, self.masks, self.events = samples, masks, events
        self._label = {label: number for number, label in enumerate(classes)}
        self._rate = front_end.sample_rate
        self._stft, self._to_bins = TightStft(front_end), mel_to_bins(front_end)

    def sound(self, event: Event) -> np.ndarray:
        """The masked mixture from onset to offset (sample,), float32, faded in and out at the cuts."""
        start, stop = self._cut(event)
        frames = self._stft.touching(start, stop)
        spectra = self._stft.spectra(self.samples, frames) * (self._mask(event.event_label, frames) @ self._to_bins)
        return (self._stft.sound(spectra, frames, start, stop) * _fades(stop - start, self._rate)).astype(np.float32)

    def _mask(self, label: str, frames: np.ndarray) -> np.ndarray:
        """A class's share of each frame and band, (frame, mel)."""
        together: dict[str, np.ndarray] = {}
        for event in self.events:
            sounds = np.isin(frames, self._stft.touching(*self._cut(event)))[:, None]
            if sounds.any():
                together[event.event_label] = together.get(event.event_label, False) | sounds
        total = sum(self._at(other, frames) * sounds for other, sounds in together.items())
        return self._at(label, frames) / np.maximum(total, 1)

    def _at(self, label: str, frames: np.ndarray) -> np.ndarray:
        """A class's mask (frame, mel) at the frames of the spectra, between those of the front end linearly."""
        mask = self.masks[self._label[label]]
        places = np.clip(self._stft.features_at(frames), 0, len(mask) - 1)
        before = places.astype(int)
        part = (places - before)[:, None]
        return mask[before] * (1 - part) + mask[np.minimum(before + 1, len(mask) - 1)] * part

    def _cut(self, event: Event) -> tuple[int, int]:
        """First sample of an event, and one behind its last."""
        return round(event.onset * self._rate), min(round(event.offset * self._rate), len(self.samples))


def _fades(length: int, rate: int) -> np.ndarray:
    """Gains (sample,): raised cosines at both ends, each at most half as long as the event."""
    fade = min(round(FADE_SECONDS * rate), length // 2)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(fade, 1))
    return np.concatenate([rise, np.ones(length - 2 * fade), rise[::-1]])
