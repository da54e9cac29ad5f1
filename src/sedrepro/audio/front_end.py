"""The front end of a paper: its settings, window and mel filters, in NumPy (no torch, so that tables load fast)."""

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from sedrepro.base.typed import Typed


class FrontEnd(Typed):
    """Front-end settings of one paper: everything that decides what its features are."""

    sample_rate: int = Field(gt=0, description="Hz")
    clip_seconds: float = Field(gt=0, description="length of every clip, s")
    window: Literal["hamming", "hann"]
    window_symmetric: bool = Field(description="symmetric (np.hamming) rather than periodic window")
    window_length: int = Field(gt=1, description="samples")
    fft_length: int | None = Field(
        None,
        gt=1,
        description="samples; to so many a shorter window is filled up with zeros at both ends; none: its own",
    )
    hop_length: int = Field(gt=0, description="samples")
    centred: bool = Field(description="frame i is centred on sample i * hop, the clip being mirrored at its ends")
    spectrum: Literal["magnitude", "power"]
    scale_by_window: bool = Field(description="divide the spectrum by the root of the window's energy")
    n_mels: int = Field(gt=0)
    fmin: float = Field(ge=0, description="Hz")
    fmax: float = Field(gt=0, description="Hz")
    log_offset: float = Field(gt=0, description="added before the natural logarithm")
    mel_norm: Literal["slaney", "none"] = Field("slaney", description="mel filters have equal areas, or equal peaks")
    dynamic_range_db: float | None = Field(
        None, gt=0, description="a clip's spectrogram is raised to its own maximum less so many dB where it lies below"
    )
    padding: Literal["silence", "zero_features"] = Field(
        "silence", description="a short clip is filled up with zero samples before, or with zeros after the logarithm"
    )

    @model_validator(mode="after")
    def _possible(self) -> "FrontEnd":
        if not self.fmin < self.fmax <= self.sample_rate / 2:
            raise ValueError(
                f"fmax = {self.fmax} must lie above fmin and at most at half the sample rate, {self.sample_rate / 2}"
            )
        if self.samples < self.n_fft:
            name = "window_length" if self.fft_length is None else "fft_length"
            raise ValueError(f"{name} = {self.n_fft} is longer than a clip of {self.samples} samples")
        if self.n_fft < self.window_length:
            raise ValueError(f"fft_length = {self.n_fft} must be at least window_length = {self.window_length}")
        return self

    @property
    def n_fft(self) -> int:
        """Samples that a frame of the spectrum is of, its window's or more."""
        return self.fft_length or self.window_length

    @property
    def samples(self) -> int:
        """Samples of one clip."""
        return round(self.clip_seconds * self.sample_rate)

    @property
    def n_frames(self) -> int:
        """Frames of one clip: those that lie in it whole; where they are centred, one per begun hop."""
        if self.centred:
            return -(-self.samples // self.hop_length)
        return (self.samples - self.n_fft) // self.hop_length + 1

    @property
    def frames_per_second(self) -> float:
        """Frame rate in Hz."""
        return self.sample_rate / self.hop_length


def window_samples(front_end: FrontEnd) -> np.ndarray:
    """The analysis window, float64, divided by the root of its energy where the settings ask for it."""
    length = front_end.window_length
    shape = {"hamming": np.hamming, "hann": np.hanning}[front_end.window]
    window = shape(length) if front_end.window_symmetric else shape(length + 1)[:-1]
    return window / np.sqrt(np.sum(window**2)) if front_end.scale_by_window else window


def mel_filters(
    sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float, norm: Literal["slaney", "none"] = "slaney"
) -> np.ndarray:
    """Triangular mel filters (mel, frequency bin) on Slaney's mel scale, of equal areas (`slaney`) or equal peaks.

    Equal to `librosa.filters.mel` (tested); written out so that features need no librosa on a bare GPU machine.
    """
    edges = _mel_to_hz(np.linspace(_hz_to_mel(fmin), _hz_to_mel(fmax), n_mels + 2))
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2 / (edges[2:] - edges[:-2]))[:, None] if norm == "slaney" else triangles


def _hz_to_mel(frequency: float) -> float:
    return 15 + 27 * np.log(frequency / 1000) / np.log(6.4) if frequency >= 1000 else 3 * frequency / 200


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel >= 15, 1000 * np.exp((mel - 15) * np.log(6.4) / 27), 200 * mel / 3)


def mel_centres(front_end: FrontEnd) -> np.ndarray:
    """Centre frequency of every mel band, Hz, shape (mel,)."""
    return _mel_to_hz(np.linspace(_hz_to_mel(front_end.fmin), _hz_to_mel(front_end.fmax), front_end.n_mels + 2))[1:-1]
