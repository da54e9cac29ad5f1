"""Short-time spectra that can be masked and put together again, on the frames of a front end."""

import numpy as np
import scipy.fft

from sedrepro.audio.front_end import FrontEnd, window_samples


class TightStft:
    """Spectra of stretches of a recording, and sound of masked spectra.

    The front end's window is divided by the root of its overlapped squares and used for analysis and synthesis (a
    tight frame; cf. Griffin and Lim 1984): without a mask every sample comes back, and no mask in [0, 1] adds energy.
    Frame j begins at sample `origin` + j * `hop`; frames before the recording (j < 0) and behind it are taken up where
    they touch it, so that its ends come back too. Where the front end's hop is longer than half a window, which would
    leave gaps, frames follow more densely.
    """

    def __init__(self, front_end: FrontEnd) -> None:
        self.length = front_end.window_length
        self.origin = -(self.length // 2) if front_end.centred else 0
        self.hop = front_end.hop_length // -(-2 * front_end.hop_length // self.length)
        self.frames_per_feature = front_end.hop_length / self.hop
        window = window_samples(front_end)
        squares = np.pad(window**2, (0, -self.length % self.hop)).reshape(-1, self.hop).sum(axis=0)
        self.window = window / np.sqrt(np.resize(squares, self.length))

    def touching(self, start: int, stop: int) -> np.ndarray:
        """Numbers of the frames that hold a sample of [start, stop), (frame,)."""
        return np.arange((start - self.length - self.origin) // self.hop + 1, -((self.origin - stop) // self.hop))

    def features_at(self, frames: np.ndarray) -> np.ndarray:
        """Where frames lie on the axis of the front end's frames, (frame,): 2.5 is midway from frame 2 to frame 3."""
        return frames / self.frames_per_feature

    def spectra(self, samples: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Complex spectra (frame, frequency bin) of neighbouring frames; the recording (sample,) is silent outside."""
        begin, end = self._span(frames)
        inside = samples[max(begin, 0) : max(end, 0)].astype(np.float64)
        before = min(max(-begin, 0), end - begin)
        stretch = np.pad(inside, (before, end - begin - before - len(inside)))
        cut = np.lib.stride_tricks.sliding_window_view(stretch, self.length)[:: self.hop]
        return scipy.fft.rfft(cut * self.window, axis=1)

    def sound(self, spectra: np.ndarray, frames: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Samples [start, stop) of the overlapped frames, float64; `frames` must be all that touch them."""
        begin, end = self._span(frames)
        total = np.zeros(end - begin)
        pieces = scipy.fft.irfft(spectra, self.length, axis=1) * self.window
        for place, piece in zip(range(0, len(total), self.hop), pieces, strict=False):
            total[place : place + self.length] += piece
        return total[start - begin : stop - begin]

    def _span(self, frames: np.ndarray) -> tuple[int, int]:
        begin = self.origin + int(frames[0]) * self.hop
        return begin, begin + (len(frames) - 1) * self.hop + self.length
