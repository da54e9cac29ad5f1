"""Synthesised sounds: each class has a timbre of its own, of which every recording is a variation."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sedrepro.annotations.clips import Event

NOISE_SECONDS = 16  # of noise in stock, from which recordings cut their pieces
EDGE_SECONDS = 0.01
FLOOR = 0.25  # of the level, between two strokes: an event is heard from its onset to its offset


@dataclass(frozen=True)
class Timbre:
    """How a class sounds: harmonics, a band of noise, or both; steady or in strokes."""

    pitch: float = 0.0
    """Of the harmonics (Hz), of which every recording is up to a semitone off; 0 for noise alone."""
    band: tuple[float, float] = (50.0, 8000.0)
    """Of the noise (Hz)."""
    noise: float = 0.1
    """Level of the noise beside harmonics of RMS 1."""
    strokes: float = 0.0
    """So many swells per second; 0 for a steady sound."""
    sweep: float = 0.0
    """Share by which the pitch rises and falls, once in a second and a half."""


#: Of FSDKaggle2018; ten of its 41 classes.
EVENTS = {
    "Bark": Timbre(420, (400, 2000), 0.8, strokes=3.0),
    "Bass_drum": Timbre(70, (50, 200), 0.5, strokes=2.0),
    "Bus": Timbre(45, (60, 700), 2.0),
    "Cello": Timbre(200, (200, 900), sweep=0.02),
    "Cowbell": Timbre(1150, (1000, 5000), strokes=4.0),
    "Flute": Timbre(1700, (3000, 6000), 0.3, sweep=0.02),
    "Gong": Timbre(310, (2000, 4000), 0.5, strokes=0.5),
    "Knock": Timbre(0, (250, 900), strokes=6.0),
    "Meow": Timbre(700, (900, 2500), sweep=0.25),
    "Telephone": Timbre(2600, (2000, 7000), strokes=12.0),
}
#: Of DCASE 2019 Task 4.
DOMESTIC = {
    "Alarm_bell_ringing": Timbre(2400, (3000, 7000), strokes=5.0),
    "Blender": Timbre(260, (1500, 4000), 1.0),
    "Cat": Timbre(650, (800, 2000), sweep=0.25),
    "Dishes": Timbre(0, (3500, 7500), strokes=7.0),
    "Dog": Timbre(380, (400, 1500), 0.8, strokes=3.5),
    "Electric_shaver_toothbrush": Timbre(120, (4500, 7500), 1.5),
    "Frying": Timbre(0, (5000, 7800)),
    "Running_water": Timbre(0, (900, 3500)),
    "Speech": Timbre(170, (400, 900), 0.5, strokes=4.0, sweep=0.1),
    "Vacuum_cleaner": Timbre(0, (80, 900)),
}
#: Of DCASE 2017 Task 4.
TRAFFIC = {
    "Train horn": Timbre(370, (300, 1200)),
    "Air horn, truck horn": Timbre(190, (200, 800)),
    "Car alarm": Timbre(1900, (1500, 4000), strokes=2.5, sweep=0.3),
    "Reversing beeps": Timbre(1200, (1000, 1500), strokes=1.0),
    "Bicycle": Timbre(0, (4000, 7500), strokes=14.0),
    "Skateboard": Timbre(0, (1200, 4000), strokes=9.0),
    "Ambulance (siren)": Timbre(850, (800, 1600), sweep=0.3),
    "Fire engine, fire truck (siren)": Timbre(560, (150, 500), 1.0, sweep=0.2),
    "Civil defense siren": Timbre(420, (400, 900), sweep=0.05),
    "Police car (siren)": Timbre(1050, (1000, 3000), strokes=4.0, sweep=0.3),
    "Screaming": Timbre(1500, (2000, 5000), 0.8, sweep=0.1),
    "Car": Timbre(0, (500, 2200)),
    "Car passing by": Timbre(0, (700, 3000), strokes=0.3),
    "Bus": Timbre(50, (60, 400), 1.0),
    "Truck": Timbre(75, (80, 900), 1.5, strokes=1.5),
    "Motorcycle": Timbre(130, (150, 3000), 0.6, sweep=0.2),
    "Train": Timbre(0, (60, 600), strokes=2.0),
}
#: Of TAU Urban Acoustic Scenes 2019: how the noise of each falls with frequency, and what is heard in it.
SCENES = {
    "airport": (1.0, (Timbre(180, (400, 900), 0.5, strokes=4.0), Timbre(880, (800, 1200)))),
    "metro": (1.8, (Timbre(0, (60, 500), strokes=1.5),)),
    "park": (0.8, (Timbre(3100, (3000, 5000), strokes=6.0, sweep=0.2),)),
    "shopping_mall": (1.1, (Timbre(180, (400, 900), 0.5, strokes=4.0), Timbre(330, (300, 900)))),
    "street_pedestrian": (1.2, (Timbre(0, (100, 2000), strokes=2.0),)),
    "street_traffic": (1.5, (Timbre(60, (60, 1500), 2.0),)),
}


def sound(timbre: Timbre, rng: np.random.Generator, seconds: float, sample_rate: int) -> np.ndarray:
    """One recording of a timbre: float32 (sample,), RMS about 1 where it is loudest, heard from start to end."""
    samples = round(seconds * sample_rate)
    total = np.zeros(samples, dtype=np.float32)
    if timbre.pitch:
        total += _harmonics(timbre, rng, samples, sample_rate)
    total += (timbre.noise if timbre.pitch else 1.0) * _piece(_band_noise(timbre.band, sample_rate), rng, samples)
    if timbre.strokes:
        turns = np.arange(samples, dtype=np.float32) * np.float32(
            timbre.strokes * rng.uniform(0.85, 1.15) / sample_rate
        )
        total *= FLOOR + (1 - FLOOR) * np.abs(np.cos(np.pi * turns))
    edge = min(round(EDGE_SECONDS * sample_rate), samples // 3)
    fade = np.linspace(0, 1, edge, dtype=np.float32)
    total[:edge] *= fade
    total[samples - edge :] *= fade[::-1]
    return total


def clip(
    timbres: dict[str, Timbre],
    events: Sequence[Event],
    rng: np.random.Generator,
    seconds: float,
    sample_rate: int,
    snr: tuple[float, float],
) -> np.ndarray:
    """Events at their times above a background, each class at some level of the range `snr` (dB): float32 (sample,)."""
    total = _piece(_tilted_noise(1.0, sample_rate), rng, round(seconds * sample_rate)).copy()
    levels = {label: rng.uniform(*snr) for label in sorted({event.event_label for event in events})}
    for event in events:
        one = sound(timbres[event.event_label], rng, event.offset - event.onset, sample_rate)
        start = round(event.onset * sample_rate)
        part = total[start : start + len(one)]  # an event may outlast the clip
        part += np.float32(10 ** (levels[event.event_label] / 20)) * one[: len(part)]
    return at_peak(total, rng.uniform(0.1, 0.9))


def scene(label: str, rng: np.random.Generator, seconds: float, sample_rate: int) -> np.ndarray:
    """One recording of an acoustic scene: float32 (sample, 2), left and right partly correlated."""
    tilt, timbres = SCENES[label]
    samples, noise = round(seconds * sample_rate), _tilted_noise(tilt, sample_rate)
    middle, left, right = (_piece(noise, rng, samples) for _ in range(3))
    for timbre in timbres:
        start, length = rng.uniform(0, 0.6 * seconds), rng.uniform(0.1, 0.4) * seconds
        part = middle[round(start * sample_rate) :]
        heard = sound(timbre, rng, length, sample_rate)[: len(part)]
        part[: len(heard)] += rng.uniform(0.5, 1.5) * heard
    return at_peak(np.stack([middle + 0.5 * left, middle + 0.5 * right], axis=1), rng.uniform(0.1, 0.7))


def at_peak(samples: np.ndarray, peak: float) -> np.ndarray:
    """`samples` as loud as their loudest is `peak`."""
    return samples * np.float32(peak / np.abs(samples).max())


def _harmonics(timbre: Timbre, rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Four harmonics of RMS about 1 together, each softer than the one below."""
    pitch, phase = timbre.pitch * 2 ** rng.uniform(-1 / 12, 1 / 12), rng.uniform()
    time = np.arange(samples) / sample_rate
    cycles = pitch * time
    if timbre.sweep:
        # The integral of 1 + sweep sin(2 pi (t / 1.5 + phase)).
        cycles -= pitch * timbre.sweep * 1.5 / (2 * np.pi) * np.cos(2 * np.pi * (time / 1.5 + phase))
    angle = (2 * np.pi * (cycles % 1)).astype(np.float32)
    overtones = [np.sin(number * angle) / np.float32(number) for number in range(1, 5)]
    return np.sum(overtones, axis=0) * np.float32(1.2)


def _piece(noise: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
    """Some part of the noise in stock, as a copy."""
    start = int(rng.integers(len(noise) - samples))
    return noise[start : start + samples].copy()


@functools.cache
def _band_noise(band: tuple[float, float], sample_rate: int) -> np.ndarray:
    """Noise of RMS 1 in a band (Hz)."""
    return _shaped_noise(sample_rate, lambda hertz: (hertz >= band[0]) & (hertz <= band[1]))


@functools.cache
def _tilted_noise(tilt: float, sample_rate: int) -> np.ndarray:
    """Noise of RMS 1 whose power falls as frequency ** -tilt above 30 Hz."""
    return _shaped_noise(sample_rate, lambda hertz: np.where(hertz < 30, 0, np.maximum(hertz, 30) ** (-tilt / 2)))


def _shaped_noise(sample_rate: int, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Noise of RMS 1 whose spectrum is multiplied by `gain` of the frequencies (Hz); float32 (sample,)."""
    samples = NOISE_SECONDS * sample_rate
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(samples))
    noise = np.fft.irfft(spectrum * gain(np.fft.rfftfreq(samples, 1 / sample_rate)), samples)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
