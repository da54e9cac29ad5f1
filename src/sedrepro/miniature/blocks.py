"""Building blocks of synthesised sounds: tones, noises, envelopes, sequences; seeded, no files read."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from sedrepro.base.errors import SettingsError, did_you_mean

Synthesiser = Callable[[np.random.Generator, int], np.ndarray]
"""Draws a sound of its own length; given the sample rate."""
Voice = Callable[[np.random.Generator, float], np.ndarray]
"""One individual (this dog, that drill): draws a sound of exactly so many seconds that is heard from start to end."""
VoiceMaker = Callable[[np.random.Generator, int], Voice]
"""Draws an individual of a class; given the sample rate."""


def overlay(target: np.ndarray, sound: np.ndarray, start: int) -> None:
    """Add `sound` to `target` in place from sample `start` on; what lies outside `target` is lost."""
    first, last = max(start, 0), min(start + len(sound), len(target))
    if first < last:
        target[first:last] += sound[first - start : last - start]


def coloured_noise(
    rng: np.random.Generator, samples: int, sample_rate: int, tilt: float, band: tuple[float, float] = (20.0, 2e4)
) -> np.ndarray:
    """Noise of RMS 1 whose power falls as frequency ** -tilt inside `band` (Hz) and vanishes outside."""
    length = scipy.fft.next_fast_len(max(samples, 256), real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(length, dtype=np.float32))
    frequency = scipy.fft.rfftfreq(length, 1 / sample_rate)
    inside = (frequency >= band[0]) & (frequency <= band[1])
    gain = np.where(inside, np.maximum(frequency, 20.0) ** (-tilt / 2), 0).astype(np.float32)
    noise = scipy.fft.irfft(spectrum * gain, length)[:samples]
    return noise / max(float(np.sqrt(np.mean(noise**2))), 1e-9)


def decaying_partials(
    frequencies: np.ndarray, decays: np.ndarray, amplitudes: np.ndarray, seconds: float, sample_rate: int
) -> np.ndarray:
    """Sum of sine partials (Hz) that die away with time constants `decays` (s); partials above Nyquist are left out."""
    audible = frequencies < 0.47 * sample_rate
    samples, block = round(seconds * sample_rate), 512
    exponents = (-1 / decays[audible] + 2j * np.pi * frequencies[audible]) / sample_rate
    # exp(z (i + j)) = exp(z i) exp(z j): one small matrix product instead of an exponential per sample and partial.
    coarse = np.exp(np.arange(0, samples, block)[:, None] * exponents) * amplitudes[audible]
    fine = np.exp(exponents[:, None] * np.arange(block))
    return (coarse @ fine).imag.reshape(-1)[:samples].copy()


def harmonic_tone(pitch: np.ndarray, amplitudes: np.ndarray, sample_rate: int) -> np.ndarray:
    """A tone that follows `pitch` (Hz per sample) with the given harmonic amplitudes, first harmonic first."""
    table_size = 2048
    # Harmonics that would alias at the highest pitch stay out.
    audible = amplitudes[: max(int(0.47 * sample_rate / pitch.max()), 1)]
    spectrum = np.zeros(table_size // 2 + 1, dtype=complex)
    spectrum[1 : len(audible) + 1] = audible * np.exp(1j * np.arange(len(audible)) ** 2) * table_size / 2
    cycle = scipy.fft.irfft(spectrum, table_size)
    phase = np.cumsum(pitch) / sample_rate % 1.0 * table_size
    return np.interp(phase, np.arange(table_size + 1), np.append(cycle, cycle[0]))


def resonate(sound: np.ndarray, centres: list[float], sharpness: float, sample_rate: int) -> np.ndarray:
    """Sum of resonances (formants, bodies) of `sound` at the `centres` (Hz), falling towards the higher ones."""
    total = np.zeros_like(sound)
    for number, centre in enumerate(centres):
        numerator, denominator = scipy.signal.iirpeak(min(centre, 0.45 * sample_rate), sharpness, fs=sample_rate)
        total += scipy.signal.lfilter(numerator, denominator, sound) * 0.7**number
    return total


def envelope(seconds: float, sample_rate: int, attack: float, release: float) -> np.ndarray:
    """Rise over `attack` and fall over `release` (s), both raised cosines; squeezed into a short sound."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    edge = min(1.0, seconds / (attack + release))
    rise = np.clip(time / (attack * edge), 0, 1)
    fall = np.clip((seconds - time) / (release * edge), 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))


def wander(rng: np.random.Generator, samples: int, sample_rate: int, rate: float) -> np.ndarray:
    """A smooth random curve within -1..1 that turns about `rate` times per second."""
    knots = rng.uniform(-1, 1, max(int(samples / sample_rate * rate), 1) + 3)
    position = np.linspace(0.5, len(knots) - 1.5, samples)
    return np.interp(position, np.arange(len(knots)), knots)


def glide(points: list[float], seconds: float, sample_rate: int) -> np.ndarray:
    """A curve through equally spaced `points` (Hz), geometric between them, one value per sample."""
    position = np.linspace(0, len(points) - 1, round(seconds * sample_rate))
    return np.exp(np.interp(position, np.arange(len(points)), np.log(points)))


def sequence(
    rng: np.random.Generator, sample_rate: int, count: int, gap: tuple[float, float], sound: Callable[[], np.ndarray]
) -> np.ndarray:
    """`count` sounds, each made by `sound()`, with `gap` seconds from one onset to the next (they may overlap)."""
    sounds = [sound() * rng.uniform(0.5, 1.0) for _ in range(count)]
    period = rng.uniform(*gap)
    steps = period * rng.uniform(0.85, 1.15, count) * sample_rate
    starts = np.concatenate([[0], np.cumsum(steps)[:-1]]).astype(int)
    total = np.zeros(max(start + len(one) for start, one in zip(starts, sounds, strict=True)))
    for start, one in zip(starts, sounds, strict=True):
        overlay(total, one, start)
    return total


def row(
    rng: np.random.Generator,
    sample_rate: int,
    seconds: float,
    period: tuple[float, float],
    pause: tuple[float, float],
    sound: Callable[[float], np.ndarray],
) -> np.ndarray:
    """Sounds in a row that fill `seconds`, the last up to the end.

    Args:
        period: seconds from one sound to the next, about.
        pause: seconds of silence before the next sound; at most half of its time.
        sound: makes a sound of so many seconds.
    """
    count = max(1, round(seconds / rng.uniform(*period)))
    shares = rng.uniform(0.75, 1.25, count)
    shares *= seconds / shares.sum()
    pauses = np.minimum(rng.uniform(*pause, count), 0.5 * shares)
    pauses[-1] = 0
    total = np.zeros(round(seconds * sample_rate))
    starts = np.cumsum(shares) - shares
    for start, length in zip(starts, shares - pauses, strict=True):
        overlay(total, sound(length) * rng.uniform(0.6, 1.0), round(start * sample_rate))
    return total


def edged(sound: np.ndarray, sample_rate: int, attack: float, release: float) -> np.ndarray:
    """`sound` faded in and out in place, over at most a third of it each; cheaper than `envelope` for long sounds."""
    for edge, part in ((attack, sound), (release, sound[::-1])):
        samples = min(round(edge * sample_rate), len(sound) // 3)
        part[:samples] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(samples) / max(samples, 1))
    return sound


def sparks(
    rng: np.random.Generator, samples: int, sample_rate: int, per_second: float, decay: float, spread: float = 0.8
) -> np.ndarray:
    """Random clicks that die away with time constant `decay` (s); log amplitudes vary by `spread`."""
    impulses = np.zeros(samples)
    places = rng.integers(0, samples, rng.poisson(per_second * samples / sample_rate))
    impulses[places] = rng.lognormal(0.0, spread, len(places)) * rng.choice([-1, 1], len(places))
    return scipy.signal.lfilter([1.0], [1.0, -np.exp(-1 / (decay * sample_rate))], impulses)


def motor(
    rng: np.random.Generator, sample_rate: int, speed: np.ndarray, amplitudes: np.ndarray, hiss: np.ndarray
) -> np.ndarray:
    """A machine: a tone that follows `speed` (Hz per sample), a little unevenly, and `hiss` as loud as it is."""
    uneven = 1 + 0.01 * wander(rng, len(speed), sample_rate, 6)
    return harmonic_tone(speed * uneven, amplitudes / np.sqrt(0.5 * np.sum(amplitudes**2)), sample_rate) + hiss


def rms(sound: np.ndarray) -> float:
    """Root mean square, never zero."""
    return float(np.sqrt(np.mean(np.square(sound)))) + 1e-9


def harmonics(count: int, slope: float) -> np.ndarray:
    """Amplitudes that fall as number ** -slope, first harmonic first."""
    return np.arange(1.0, count + 1.0) ** -slope


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number from `low` to `high`, all octaves alike."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def few(rng: np.random.Generator, most: int) -> int:
    """A count from 1 to `most`, small ones more often."""
    return 1 + min(int(rng.geometric(0.5)) - 1, most - 1)


def active_rms(sound: np.ndarray) -> float:
    """RMS of the loudest fifth of the samples, so that pauses between hits do not count."""
    power = np.sort(sound**2)
    return float(np.sqrt(power[4 * len(power) // 5 :].mean())) + 1e-9


def synthesiser(known: Mapping[str, Any], label: str, kind: str) -> Any:
    """What `known` has for `label`.

    Raises:
        SettingsError: nothing of this name is known (names the nearest).
    """
    if label not in known:
        raise SettingsError(f"{label}: no {kind} of this name can be synthesised; {did_you_mean(label, known)}")
    return known[label]
