"""Log-mel spectrograms, batched on CPU cores or a GPU, in the definition that a paper's settings give."""

import functools
import math

import numpy as np
import torch

from sedrepro.audio.front_end import FrontEnd, mel_filters, window_samples

PARTS = 4
#: One in so many frames is tried in single precision first; where more than this share fails, double is faster.
TRIED, FAILING = 32, 0.25
#: The least mel band that single precision will do for, see `_in_single`.
LEAST_BAND = 0.02


class LogMel:
    """Waveforms (..., sample) -> log-mel spectrograms (..., frame, mel), on one device."""

    def __init__(self, front_end: FrontEnd, device: torch.device | str = "cpu") -> None:
        self.front_end = front_end
        self.device = torch.device(device)
        window = np.zeros(front_end.n_fft)
        begin = (front_end.n_fft - front_end.window_length) // 2
        window[begin : begin + front_end.window_length] = window_samples(front_end)
        self._window = torch.tensor(window, dtype=torch.float64, device=self.device)
        self._window_in_single = self._window.to(torch.float32)
        filters = mel_filters(
            front_end.sample_rate,
            front_end.n_fft,
            front_end.n_mels,
            front_end.fmin,
            front_end.fmax,
            front_end.mel_norm,
        )
        self._filters = [self._part(filters, bands) for bands in np.array_split(np.arange(len(filters)), PARTS)]
        self._power = {"magnitude": 1, "power": 2}[front_end.spectrum]
        widths = (filters ** (2 / self._power)).sum(axis=1) ** (self._power / 2)
        self._widths = widths.astype(np.float32)

    def _part(self, filters: np.ndarray, bands: np.ndarray) -> tuple[slice, torch.Tensor]:
        """The bins that some neighbouring bands use, and their filters (bin, band): most of the matrix is zero."""
        used = np.flatnonzero(filters[bands].any(axis=0))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        part = filters[bands][:, bins].T
        return bins, torch.tensor(part, dtype=torch.float32, device=self.device).contiguous()

    def spectrum(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Complex short-time spectra (..., frame, frequency bin) in double precision; linear in the waveform."""
        return self._transformed(self._frames(self._prolonged(waveforms).to(torch.float64)))

    def _prolonged(self, waveforms: torch.Tensor) -> torch.Tensor:
        return _mirrored(waveforms, self.front_end.n_fft // 2) if self.front_end.centred else waveforms

    def _frames(self, samples: torch.Tensor) -> torch.Tensor:
        """Frames (..., frame, sample) of prolonged waveforms (..., sample), a view."""
        frames = samples.unfold(-1, self.front_end.n_fft, self.front_end.hop_length)
        return frames[..., : self.front_end.n_frames, :]

    def _transformed(self, frames: torch.Tensor) -> torch.Tensor:
        """Complex spectra (..., frame, frequency bin) of float64 frames (..., frame, sample)."""
        return torch.fft.rfft(frames * self._window).to(torch.complex64)

    def from_spectrum(self, spectrum: torch.Tensor, gain: torch.Tensor | float = 1.0) -> torch.Tensor:
        """Log-mel spectrograms (..., frame, mel), float32, of complex spectra times a positive `gain`."""
        return self._log(self._mel(_magnitude(spectrum)).mul_(gain**self._power))

    def _mel(self, magnitude: torch.Tensor) -> torch.Tensor:
        """Mel bands (..., frame, mel) of magnitudes (..., frame, frequency bin), float32."""
        if self._power == 2:
            magnitude = magnitude.square()
        return torch.cat([magnitude[..., bins] @ filters for bins, filters in self._filters], dim=-1)

    def _log(self, mel: torch.Tensor) -> torch.Tensor:
        return self._floored(mel.add_(self.front_end.log_offset).log_())

    def _floored(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Raise each clip of (..., frame, mel) to its maximum less the dynamic range, in place, where one is set."""
        decibels = self.front_end.dynamic_range_db
        if decibels is None:
            return log_mel
        nepers = decibels * math.log(10) / 20 * self._power
        return log_mel.clamp_(min=log_mel.amax(dim=(-2, -1), keepdim=True) - nepers)

    def __call__(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrograms (..., frame, mel), float32, of waveforms (..., sample)."""
        waveforms = waveforms.to(self.device, torch.float32)
        if self.device.type != "cpu":
            return self.from_spectrum(self.spectrum(waveforms))
        clips = [self._log(self._fast_mel(clip)) for clip in waveforms.reshape(-1, waveforms.shape[-1])]
        return torch.stack(clips).reshape(*waveforms.shape[:-1], *clips[0].shape)

    def _fast_mel(self, clip: torch.Tensor) -> torch.Tensor:
        """Mel bands (frame, mel) of one waveform (sample,), by frames in single precision where that will do.

        In single precision the logarithm of a band that is far below its frame is off, by up to 0.006 in the empty
        high bands of lossy-compressed recordings; such frames are transformed again in double precision.
        """
        samples = self._prolonged(clip)
        frames = self._frames(samples)
        if self._in_single(frames[::TRIED])[1].mean() > FAILING:
            return self._in_double(self._frames(samples.to(torch.float64)))
        mel, fails = self._in_single(frames)
        if fails.any():
            mel[fails] = self._in_double(frames[fails].to(torch.float64))
        return mel

    def _in_double(self, frames: torch.Tensor) -> torch.Tensor:
        """Mel bands (frame, mel) by an FFT in double precision."""
        return self._mel(_magnitude(self._transformed(frames)))

    def _in_single(self, frames: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        """Mel bands (frame, mel) by an FFT in single precision, and for which frames that will not do (frame,).

        Rounding moves each bin X_k by a few eps r, where r is the root mean square of the frame's bins, and about
        independently. A band sum_k f_k |X_k| thus moves by a few eps r w, where w^2 = sum_k f_k^2; a band b of the
        power spectrum, sum_k f_k |X_k|^2, by at most a few eps r w sqrt(b), where w^2 = sum_k f_k. So the logarithm
        of a band of LEAST_BAND r w, or of its square for the power spectrum, is off by a few eps / LEAST_BAND.
        """
        magnitude = _magnitude(torch.fft.rfft(frames * self._window_in_single))
        rms = torch.linalg.vector_norm(magnitude, dim=-1, keepdim=True).numpy() / math.sqrt(magnitude.shape[-1])
        mel = self._mel(magnitude)
        least = (LEAST_BAND * rms) ** self._power * self._widths
        return mel, (mel.numpy() + self.front_end.log_offset < least).any(axis=-1)


def _mirrored(samples: torch.Tensor, width: int) -> torch.Tensor:
    """`samples` (..., sample) with `width` mirrored samples at each end; the end sample itself is not repeated."""
    head, tail = samples[..., 1 : width + 1].flip(-1), samples[..., -width - 1 : -1].flip(-1)
    return torch.cat([head, samples, tail], dim=-1)


def _magnitude(spectrum: torch.Tensor) -> torch.Tensor:
    """Absolute values; on the CPU by NumPy, whose vectorised loop is some ten times faster than torch's."""
    return spectrum.abs() if spectrum.is_cuda else torch.from_numpy(np.abs(spectrum.numpy()))


@functools.lru_cache(maxsize=4)
def log_mel_on(front_end: FrontEnd, device: str) -> LogMel:
    """The extractor of a front end on a device, built once per process."""
    return LogMel(front_end, device)


def one_torch_thread() -> None:
    """Keep torch from starting threads below the calling one (the setting holds per thread)."""
    torch.set_num_threads(1)
