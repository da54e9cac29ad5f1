"""What training does to features: shifts in time, and noise for the teacher's or the student's input."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sedrepro.audio.front_end import FrontEnd, mel_centres
from sedrepro.base.errors import SettingsError
from sedrepro.training.data import RunData
from sedrepro.training.settings import Noise

Distortion = Callable[[Tensor, torch.Generator], Tensor]


def time_shifts(count: int, deviation_frames: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """Shifts of clips in feature frames, int64 (clip,): normal with mean 0, rounded (Liu et al. 2020, Section 2.1).

    The generator is on the CPU, so that all devices shift alike. From pinned memory they reach a GPU without the host
    waiting until it has done what it was given before.
    """
    shifts = (torch.randn(count, generator=generator) * deviation_frames).round().to(torch.int64)
    return shifts.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else shifts.to(device)


def shift_in_time(values: Tensor, shifts: Tensor) -> Tensor:
    """Values (batch, frame, ...) later by each clip's own shift (batch,); what leaves at one end enters at the other.

    Features and frame labels that are shifted alike stay aligned.
    """
    batch, frames = values.shape[:2]
    clips = torch.arange(batch, device=values.device)
    sources = torch.arange(frames, device=values.device) - shifts.to(values.device)[:, None]
    return values[clips[:, None], sources.remainder(frames)]


def filter_heights(front_end: FrontEnd) -> np.ndarray:
    """Peaks of the mel filters (mel,), float32: amplitudes are by so much larger than those of filters of peak 1."""
    if front_end.mel_norm == "none":
        return np.ones(front_end.n_mels, dtype=np.float32)
    edges = np.concatenate([[front_end.fmin], mel_centres(front_end), [front_end.fmax]])
    return (2 / (edges[2:] - edges[:-2])).astype(np.float32)


@dataclass(frozen=True)
class AmplitudeNoise:
    """Gaussian noise on the linear mel amplitudes of standardised log-mel features, as the baseline of DCASE 2019 adds.

    A quirk of its release is that only the noise's absolute value is added (`rectified`), so that it has a bias: the
    mean amplitude rises by sqrt(2 / pi) times the deviation. Its filters have the peak 1; those of other `heights` get
    noise in proportion (`filter_heights`). Meant for magnitude spectra. Amplitudes below 0 become 0.
    """

    mean: Tensor
    """Of the standardisation, (mel,), on the device of the features; as `deviation` and `heights`."""
    deviation: Tensor
    log_offset: float
    """Of the front end: features are log(amplitude + offset)."""
    heights: Tensor
    """Peaks of the mel filters."""
    amplitude: float = 0.25
    """Standard deviation of the noise on amplitudes of filters of peak 1."""
    rectified: bool = True

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Noisy features (batch, frame, mel); the generator is on their device."""
        noise = self.amplitude * self.heights * _normal_like(features, generator)
        # The offset is still in the sum; so amplitude 0 is the offset.
        shifted = torch.exp(features * self.deviation + self.mean) + (noise.abs() if self.rectified else noise)
        return (shifted.clamp(min=self.log_offset).log() - self.mean) / self.deviation


@dataclass(frozen=True)
class SnrNoise:
    """Gaussian noise on standardised features, so many decibels below each clip and mel band.

    Its standard deviation is sqrt(mean_t(x^2) 10^(-decibels / 10)). The baseline of DCASE 2020 has this formula too,
    but for linear mel amplitudes, before the logarithm.
    """

    decibels: float = 30.0

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Noisy features (batch, frame, mel); the generator is on their device."""
        power = features.square().mean(dim=1, keepdim=True) * 10 ** (-self.decibels / 10)
        return features + power.sqrt() * _normal_like(features, generator)


@dataclass(frozen=True)
class LogMelNoise:
    """Gaussian noise on log-mel features before their standardisation (Lin et al. 2020, as released)."""

    deviation: Tensor
    """Of the standardisation, (mel,), on the device of the features."""
    amplitude: float = 0.15
    """Standard deviation of the noise."""

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Noisy features (batch, frame, mel); the generator is on their device."""
        return features + self.amplitude / self.deviation * _normal_like(features, generator)


def _normal_like(features: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(features.shape, generator=generator, device=features.device, dtype=features.dtype)


def make_noise(settings: Noise, data: RunData, front_end: FrontEnd, device: torch.device) -> Distortion | None:
    """What distorts standardised features (batch, frame, mel) as `settings` say; None where nothing does.

    Raises:
        SettingsError: noise on amplitudes is asked for, but the features are of a power spectrum.
    """
    if settings.kind == "snr":
        return SnrNoise(settings.decibels)
    if settings.kind == "none":
        return None
    if settings.kind == "log_mel":
        return LogMelNoise(torch.from_numpy(data.deviation).to(device), settings.deviation)
    if front_end.spectrum != "magnitude":
        raise SettingsError("training.method.noise.kind = amplitude: the features are of a power spectrum; use snr")
    mean, deviation, heights = (
        torch.from_numpy(each).to(device) for each in (data.mean, data.deviation, filter_heights(front_end))
    )
    return AmplitudeNoise(mean, deviation, front_end.log_offset, heights, settings.deviation, settings.rectified)
