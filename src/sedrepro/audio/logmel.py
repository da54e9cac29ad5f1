"""Log-mel spectrograms, batched on CPU cores or a GPU, in the definition that a paper's settings give."""

import functools
import math

import numpy as np
import torch

from sedrepro.audio.front_end import FrontEnd, mel_filters, window_samples

PARTS = 4


class LogMel:
    """Waveforms (..., sample) -> log-mel spectrograms (..., frame, mel), on one device."""

    def __init__(self, front_end: FrontEnd, device: torch.device | str = "cpu") -> None:
        self.front_end = front_end
        self.device = torch.device(device)
        window = np.zeros(front_end.n_fft)
        begin = (front_end.n_fft - front_end.window_length) // 2
        window[begin : begin + front_end.window_length] = window_samples(front_end)
        self._window = torch.tensor(window, dtype=torch.float64, device=self.device)
        filters = mel_filters(
            front_end.sample_rate,
            front_end.n_fft,
            front_end.n_mels,
            front_end.fmin,
            front_end.fmax,
            front_end.mel_norm,
        )
        self._filters = [self._part(filters, bands) for bands in np.array_split(np.arange(len(filters)), PARTS)]

    def _part(self, filters: np.ndarray, bands: np.ndarray) -> tuple[slice, torch.Tensor]:
        """The bins that some neighbouring bands use, and their filters (bin, band): most of the matrix is zero."""
        used = np.flatnonzero(filters[bands].any(axis=0))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        part = filters[bands][:, bins].T
        return bins, torch.tensor(part, dtype=torch.float32, device=self.device).contiguous()

    def spectrum(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Complex short-time spectra (..., frame, frequency bin); linear in the waveform.

        Transformed in double precision: in single, rounding noise of the loud bins moves the logarithm of the
        empty high bands of lossy-compressed recordings by up to 0.006.
        """
        samples = waveforms.to(torch.float64)
        if self.front_end.centred:
            samples = _mirrored(samples, self.front_end.n_fft // 2)
        frames = samples.unfold(-1, self.front_end.n_fft, self.front_end.hop_length)
        frames = frames[..., : self.front_end.n_frames, :]
        return torch.fft.rfft(frames * self._window).to(torch.complex64)

    def from_spectrum(self, spectrum: torch.Tensor, gain: torch.Tensor | float = 1.0) -> torch.Tensor:
        """Log-mel spectrograms (..., frame, mel), float32, of complex spectra times a positive `gain`."""
        magnitude = _magnitude(spectrum)
        if self.front_end.spectrum == "power":
            magnitude, gain = magnitude.square_(), gain**2
        mel = torch.cat([magnitude[..., bins] @ filters for bins, filters in self._filters], dim=-1)
        return self._floored(mel.mul_(gain).add_(self.front_end.log_offset).log_())

    def _floored(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Raise each clip of (..., frame, mel) to its maximum less the dynamic range, in place, where one is set."""
        decibels = self.front_end.dynamic_range_db
        if decibels is None:
            return log_mel
        nepers = decibels * math.log(10) / {"magnitude": 20, "power": 10}[self.front_end.spectrum]
        return log_mel.clamp_(min=log_mel.amax(dim=(-2, -1), keepdim=True) - nepers)

    def __call__(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrograms (..., frame, mel), float32, of waveforms (..., sample)."""
        return self.from_spectrum(self.spectrum(waveforms.to(self.device, torch.float32)))


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
