"""Audio and features of remix mixtures, made from the recipe on the fly.

Per mixture (Kong et al. 2019, released code): scene and events become mono at the front end's rate; the scene is
scaled to RMS 1; each event to RMS 10^(SNR/20) over its whole recording and then cut to 2 s; the mixture is the mean
of the event track and the scene track, divided by the larger absolute peak of the two. The released code stores both
tracks, so divided, as a stereo WAV of 16 bits, and makes features of that (`quantise: pcm16`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import LogMel, log_mel_on, one_torch_thread
from sedrepro.audio.reading import fit_length, read_mono, resample, root_mean_square
from sedrepro.audio.writing import write_wav
from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_folder
from sedrepro.base.parallel import ordered_map
from sedrepro.corpora.remix import EVENT_SECONDS, Mixture, PlacedEvent
from sedrepro.corpora.settings import Remix

BLOCK = 8
#: Steps of a 16-bit WAV per unit; libsndfile cuts off what lies between two, and what is too large.
PCM16_STEPS = 2**15


class Mixer:
    """Makes the two tracks of a mixture; cut events are kept in memory, since each is used many times."""

    def __init__(self, data_root: Path, front_end: FrontEnd, level: str) -> None:
        self.data_root = data_root
        self.rate = front_end.sample_rate
        self.samples = front_end.samples
        self.level = level
        self._cut: dict[str, np.ndarray] = {}

    def tracks(self, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
        """Event track at an SNR of 0 dB and scene track, float32 (sample,) each.

        Raises:
            AudioError: a source cannot be read (names it).
            DataError: a source is silent, so that no level can be set.
        """
        events = np.zeros(self.samples, dtype=np.float32)
        for event in mixture.events:
            start = round(event.onset * self.rate)
            cut = self._event(event)[: self.samples - start]
            events[start : start + len(cut)] += cut
        return events, self._scene(mixture.scene)

    def _scene(self, filename: str) -> np.ndarray:
        scene = fit_length(resample(*read_mono(self.data_root / filename), self.rate), self.samples)
        return scene / self._level(scene, filename)

    def _event(self, event: PlacedEvent) -> np.ndarray:
        if event.filename not in self._cut:
            whole = resample(*read_mono(self.data_root / event.filename), self.rate)
            cut = whole[: round(EVENT_SECONDS * self.rate)]
            reference = whole if self.level == "whole_file" else cut
            self._cut[event.filename] = (cut / self._level(reference, event.filename)).astype(np.float32)
        return self._cut[event.filename]

    def _level(self, samples: np.ndarray, filename: str) -> np.float32:
        level = np.float32(root_mean_square(samples))
        if not level > 0:
            raise DataError(
                f"{self.data_root / filename}: the part used is digitally silent, its level cannot be set; "
                "remove it from the label table"
            )
        return level


def mix(events: np.ndarray, scene: np.ndarray, snr_db: float, quantise: str = "none") -> np.ndarray:
    """The mixture at an SNR: mean of the tracks over the larger of their absolute peaks, shape (sample,)."""
    gain = np.float32(10 ** (snr_db / 20))
    peak = _peak(events, scene, float(gain))
    if quantise == "pcm16":
        mixture = _whole_steps(gain * events, peak)
        mixture += _whole_steps(scene.copy(), peak)
        mixture *= np.float32(0.5 / PCM16_STEPS)  # a power of two: exact
        return mixture
    return 0.5 * (gain * events + scene) / peak


def _whole_steps(track: np.ndarray, peak: float) -> np.ndarray:
    """A float32 track (sample,) over its peak in whole steps of a 16-bit WAV; in place, since new arrays cost time."""
    track /= np.float32(peak)
    track *= np.float32(PCM16_STEPS)
    np.floor(track, out=track)
    return np.minimum(track, np.float32(PCM16_STEPS - 1), out=track)


def _peak(events: np.ndarray, scene: np.ndarray, gain: float) -> float:
    return max(float(gain) * _largest(events), _largest(scene))


def _largest(track: np.ndarray) -> float:
    """Largest absolute sample."""
    return max(float(track.max()), -float(track.min()))


def features_at_every_snr(
    events: Sequence[np.ndarray],
    scenes: Sequence[np.ndarray],
    snrs: Sequence[int],
    front_end: FrontEnd,
    device: str,
    quantise: str = "none",
) -> list[np.ndarray]:
    """Log-mel features (clip, frame, mel), float16, one array per SNR.

    The short-time spectrum is linear, so each track is transformed once and the spectra are combined per SNR. Rounding
    is not, so that a quantised mixture is transformed by itself.
    """
    log_mel = log_mel_on(front_end, device)
    if quantise != "none":
        mixtures = ([mix(*pair, snr, quantise) for pair in zip(events, scenes, strict=True)] for snr in snrs)
        return [np.stack([_log_mel(log_mel, each) for each in of_snr]) for of_snr in mixtures]
    features: list[list[np.ndarray]] = [[] for _ in snrs]
    step = len(events) if log_mel.device.type == "cuda" else 1  # one clip at a time fits a core's cache
    for start in range(0, len(events), step):
        tracks = events[start : start + step], scenes[start : start + step]
        event_spectra, scene_spectra = (
            log_mel.spectrum(torch.from_numpy(np.stack(track)).to(log_mel.device)) for track in tracks
        )
        for part, snr in zip(features, snrs, strict=True):
            gain = 10 ** (snr / 20)
            halves = [0.5 / _peak(e, s, gain) for e, s in zip(*tracks, strict=True)]
            scale = torch.tensor(halves, dtype=torch.float32, device=log_mel.device)[:, None, None]
            spectra = torch.add(scene_spectra, event_spectra, alpha=gain)
            part.append(log_mel.from_spectrum(spectra, scale).to(torch.float16).cpu().numpy())
    return [np.concatenate(part) for part in features]


def _log_mel(log_mel: LogMel, samples: np.ndarray) -> np.ndarray:
    return log_mel(torch.from_numpy(samples)).to(torch.float16).cpu().numpy()


def feature_blocks(
    mixtures: Sequence[Mixture],
    mixer: Mixer,
    corpus: str,
    settings: Remix,
    front_end: FrontEnd,
    device: str,
    threads: int,
) -> Iterator[dict[str, np.ndarray]]:
    """Features of consecutive mixtures, {variant: (clip, frame, mel)} per block."""
    variants = settings.variants(corpus)

    def extract(block: Sequence[Mixture]) -> dict[str, np.ndarray]:
        events, scenes = zip(*(mixer.tracks(mixture) for mixture in block), strict=True)
        snrs = list(variants.values())
        arrays = features_at_every_snr(events, scenes, snrs, front_end, device, settings.quantise)
        return dict(zip(variants, arrays, strict=True))

    blocks = [mixtures[i : i + BLOCK] for i in range(0, len(mixtures), BLOCK)]
    return ordered_map(extract, blocks, threads, "features", len(blocks), one_torch_thread)


def fingerprint(mixtures: Sequence[Mixture], settings: Remix) -> str:
    """SHA-256 over the recipe and how it is mixed: equal fingerprints, equal source list."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for mixture in mixtures:
        digest.update(repr(mixture).encode())
    return digest.hexdigest()


def render(
    folder: Path, mixtures: Sequence[Mixture], mixer: Mixer, snr_db: int, threads: int, quantise: str = "none"
) -> None:
    """Write the mixtures at one SNR as 16-bit mono WAV files to `folder`, for listening."""
    with atomic_folder(folder) as temporary:

        def write(mixture: Mixture) -> None:
            samples = mix(*mixer.tracks(mixture), snr_db, quantise)
            write_wav(temporary / mixture.filename, samples, mixer.rate, "PCM_16", folder)

        for _ in ordered_map(write, mixtures, threads, "audio", len(mixtures)):
            pass
