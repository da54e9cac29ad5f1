"""Synthesised sound events and acoustic scenes: small stand-ins for recordings, seeded, no files read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from sedrepro.errors import SettingsError, did_you_mean

Synthesiser = Callable[[np.random.Generator, int], np.ndarray]

SHORTEST_EVENT, LONGEST_EVENT = 0.3, 8.0  # seconds


def event(label: str, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One recording of a sound event: float32 (samples,), 0.3 to 8 s, peak 0.1 to 0.99.

    Raises:
        SettingsError: no synthesiser has this label (names the nearest).
    """
    sound = _synthesiser(EVENTS, label, "sound event")(rng, sample_rate)
    return _record(sound, rng, sample_rate)


def scene(label: str, rng: np.random.Generator, sample_rate: int, seconds: float = 10.0) -> np.ndarray:
    """One recording of an acoustic scene: float32 (samples, 2), left and right partly correlated.

    Raises:
        SettingsError: no synthesiser has this label (names the nearest).
    """
    recipe = _synthesiser(SCENES, label, "scene")
    samples = round(seconds * sample_rate)
    stereo = _bed(recipe, rng, sample_rate, samples)
    for source in recipe.sources:
        for _ in range(rng.poisson(source.per_ten_seconds * seconds / 10)):
            sound = source.synthesiser(rng, sample_rate)
            sound *= 10 ** (rng.uniform(*source.decibels) / 20) / _active_rms(sound)
            angle = rng.uniform(0.15, 0.85) * np.pi / 2
            start = int(rng.integers(-len(sound) // 2, samples))
            overlay(stereo, sound[:, None] * [np.cos(angle), np.sin(angle)], start)
    return (stereo * rng.uniform(0.1, 0.7) / np.abs(stereo).max()).astype(np.float32)


# ---- building blocks -----------------------------------------------------------------------------------------------


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


def _harmonics(count: int, slope: float) -> np.ndarray:
    return np.arange(1.0, count + 1.0) ** -slope


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _few(rng: np.random.Generator, most: int) -> int:
    """A count from 1 to `most`, small ones more often."""
    return 1 + min(int(rng.geometric(0.5)) - 1, most - 1)


def _active_rms(sound: np.ndarray) -> float:
    """RMS of the loudest fifth of the samples, so that pauses between hits do not count."""
    power = np.sort(sound**2)
    return float(np.sqrt(power[4 * len(power) // 5 :].mean())) + 1e-9


# ---- sound events --------------------------------------------------------------------------------------------------


def _bass_drum(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A skin whose pitch drops after the stroke, with a beater click."""
    low, drop, decay = _log_uniform(rng, 42, 110), rng.uniform(1.2, 3.0), _log_uniform(rng, 0.06, 0.4)
    click = _log_uniform(rng, 0.02, 0.5)

    def hit() -> np.ndarray:
        time = np.arange(round(min(5 * decay, 1.4) * sample_rate)) / sample_rate
        pitch = low * (1 + (drop - 1) * np.exp(-time / 0.03))
        skin = harmonic_tone(pitch, _harmonics(4, 2.0), sample_rate) * np.exp(-time / decay)
        noise = coloured_noise(rng, len(time), sample_rate, 0.7, (60, 9000))
        return skin + click * noise * np.exp(-time / 0.008)

    return sequence(rng, sample_rate, _few(rng, 5), (0.25, 0.8), hit)


def _bark(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Short hoarse calls that fall in pitch; a large or a small dog."""
    pitch, hoarseness = _log_uniform(rng, 220, 600), rng.uniform(0.5, 1.8)
    formants = [rng.uniform(600, 1000), rng.uniform(1300, 2000)]

    def call() -> np.ndarray:
        seconds = rng.uniform(0.08, 0.32)
        top = pitch * rng.uniform(1.0, 1.35)
        curve = glide([0.8 * top, top, 0.55 * top], seconds, sample_rate)
        voice = harmonic_tone(curve, _harmonics(20, 0.8), sample_rate)
        voice += hoarseness * coloured_noise(rng, len(voice), sample_rate, 0.5, (200, 9000)) * np.abs(voice)
        return (resonate(voice, formants, 3.0, sample_rate) + 0.1 * voice) * envelope(seconds, sample_rate, 0.015, 0.1)

    return sequence(rng, sample_rate, _few(rng, 6), (0.25, 0.9), call)


def _bus(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A diesel engine that idles or pulls away, road rumble, and now and then an air brake."""
    seconds = rng.uniform(2.0, LONGEST_EVENT)
    samples, idle = round(seconds * sample_rate), _log_uniform(rng, 24, 60)
    rise = rng.choice([1.0, rng.uniform(1.3, 2.2), rng.uniform(0.5, 0.8)])
    pitch = glide([idle, idle * rise**0.3, idle * rise], seconds, sample_rate)
    pitch = pitch * (1 + 0.03 * wander(rng, samples, sample_rate, 3))
    engine = harmonic_tone(pitch, _harmonics(40, rng.uniform(0.4, 1.2)) * rng.uniform(0.2, 1, 40), sample_rate)
    road = coloured_noise(rng, samples, sample_rate, rng.uniform(1.2, 2.2), (30, 9000))
    sound = engine * rng.uniform(0.4, 1.5) + road * (1 + 0.4 * wander(rng, samples, sample_rate, 2)) * 0.6
    if rng.random() < 0.4:
        length = rng.uniform(0.2, 0.8)
        hiss = coloured_noise(rng, round(length * sample_rate), sample_rate, 0.0, (1500, 12000))
        air = hiss * envelope(length, sample_rate, 0.02, 0.7 * length) * rng.uniform(0.2, 0.8)
        overlay(sound, air, int(rng.uniform(0, 0.8) * samples))
    return sound * envelope(seconds, sample_rate, rng.uniform(0.05, 1.0), rng.uniform(0.1, 1.5))


def _cello(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Bowed notes with vibrato and body resonances; sometimes plucked."""
    root, plucked = _log_uniform(rng, 66, 290), rng.random() < 0.2
    body = [rng.uniform(180, 260), rng.uniform(380, 620), rng.uniform(1000, 2200)]
    slope, bow_noise, vibrato = rng.uniform(0.7, 1.5), rng.uniform(0.01, 0.12), rng.uniform(0.0, 0.012)

    def note() -> np.ndarray:
        seconds = rng.uniform(0.4, 1.2) if plucked else _log_uniform(rng, 0.5, 4.0)
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        swing = 1 + vibrato * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * time) * np.clip(time / 0.4, 0, 1)
        string = harmonic_tone(
            root * rng.choice([1, 9 / 8, 5 / 4, 4 / 3, 3 / 2]) * swing, _harmonics(30, slope), sample_rate
        )
        string += bow_noise * coloured_noise(rng, len(time), sample_rate, 0.5, (200, 9000))
        string = resonate(string, body, 2.0, sample_rate) + 0.4 * string
        if plucked:
            return string * np.exp(-time / (0.3 * seconds))
        return string * envelope(seconds, sample_rate, rng.uniform(0.03, 0.2), rng.uniform(0.05, 0.4))

    return sequence(rng, sample_rate, _few(rng, 4), (0.4, 1.4), note)


def _cowbell(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Two inharmonic, square-like partials that die quickly; one stroke or a rhythm."""
    low, ratio = _log_uniform(rng, 450, 900), rng.uniform(1.38, 1.6)
    decay, brightness = _log_uniform(rng, 0.04, 0.45), rng.uniform(0.4, 1.4)

    def stroke() -> np.ndarray:
        orders = np.array([1.0, 3.0, 5.0, 7.0])
        frequencies = np.concatenate([low * orders, low * ratio * orders]) * rng.uniform(0.99, 1.01, 8)
        amplitudes = np.tile(orders**-brightness, 2) * rng.uniform(0.5, 1, 8)
        decays = decay * np.tile(orders**-0.4, 2)
        metal = decaying_partials(frequencies, decays, amplitudes, min(6 * decay + 0.05, 2.0), sample_rate)
        click = coloured_noise(rng, len(metal), sample_rate, 0.3, (500, 12000))
        return metal + rng.uniform(0.1, 0.8) * click * np.exp(-np.arange(len(metal)) / (0.003 * sample_rate))

    return sequence(rng, sample_rate, _few(rng, 7), (0.15, 0.6), stroke)


def _flute(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Nearly pure blown notes with breath noise and vibrato, from an alto flute to a piccolo."""
    root, breath = _log_uniform(rng, 380, 1300), _log_uniform(rng, 0.02, 0.3)
    slope, tremolo = rng.uniform(1.2, 2.6), rng.uniform(0.0, 0.3)

    def note() -> np.ndarray:
        seconds = _log_uniform(rng, 0.25, 3.0)
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        swing = np.sin(2 * np.pi * rng.uniform(4, 6.5) * time)
        pitch = root * rng.choice([1, 9 / 8, 5 / 4, 4 / 3, 3 / 2]) * (1 + 0.006 * swing)
        tone = harmonic_tone(pitch, _harmonics(8, slope), sample_rate) * (1 + tremolo * swing)
        tone += breath * coloured_noise(rng, len(time), sample_rate, 0.6, (0.7 * root, 12000))
        return tone * envelope(seconds, sample_rate, rng.uniform(0.02, 0.12), rng.uniform(0.04, 0.2))

    return sequence(rng, sample_rate, _few(rng, 6), (0.3, 1.0), note)


def _gong(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Many inharmonic partials; the high ones bloom after the stroke and die first."""
    low, count = _log_uniform(rng, 60, 320), int(rng.integers(14, 32))
    frequencies = low * np.sort(rng.uniform(1, rng.uniform(8, 24), count))
    frequencies[0] = low
    decays = rng.uniform(0.8, 2.5) * (frequencies / low) ** -rng.uniform(0.1, 0.5)
    amplitudes = (frequencies / low) ** -rng.uniform(0.2, 1.0) * rng.uniform(0.2, 1, count)
    seconds = rng.uniform(3.0, 6.0)
    metal = decaying_partials(frequencies, decays, amplitudes, seconds, sample_rate)
    bright = frequencies > 4 * low
    metal -= decaying_partials(frequencies, 0.15 * decays, amplitudes * bright, seconds, sample_rate)
    mallet = coloured_noise(rng, len(metal), sample_rate, 1.2, (50, 6000)) * rng.uniform(0.1, 1.0)
    return metal + mallet * np.exp(-np.arange(len(metal)) / (0.02 * sample_rate))


def _knock(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Knuckles on wood: short damped resonances in quick groups."""
    low, decay = _log_uniform(rng, 90, 500), _log_uniform(rng, 0.012, 0.06)
    board = low * np.array([1, rng.uniform(1.5, 2.2), rng.uniform(2.4, 3.6), rng.uniform(4, 7)])

    def hit() -> np.ndarray:
        jitter = rng.uniform(0.96, 1.04, 4)
        wood = decaying_partials(board * jitter, decay / np.sqrt(board / low), _harmonics(4, 0.5), 0.35, sample_rate)
        click = coloured_noise(rng, len(wood), sample_rate, 0.8, (200, 8000))
        return wood + rng.uniform(0.2, 1.0) * click * np.exp(-np.arange(len(wood)) / (0.004 * sample_rate))

    return sequence(rng, sample_rate, int(rng.integers(1, 8)), (0.12, 0.4), hit)


def _meow(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A voice that rises and falls while the mouth opens and closes (two formant settings cross-faded)."""
    pitch, roughness = _log_uniform(rng, 280, 850), rng.uniform(0.0, 0.3)

    def call() -> np.ndarray:
        seconds = _log_uniform(rng, 0.3, 1.6)
        points = [pitch * rng.uniform(0.75, 1.0), pitch * rng.uniform(1.0, 1.4), pitch, pitch * rng.uniform(0.6, 0.95)]
        voice = harmonic_tone(glide(points, seconds, sample_rate), _harmonics(20, 0.7), sample_rate)
        voice += roughness * coloured_noise(rng, len(voice), sample_rate, 0.7, (300, 9000))
        closed = resonate(voice, [rng.uniform(350, 650), rng.uniform(2000, 2800)], 3.0, sample_rate)
        opened = resonate(voice, [rng.uniform(800, 1500), rng.uniform(1800, 3200)], 3.0, sample_rate)
        mouth = np.sin(np.pi * np.linspace(0, 1, len(voice))) ** rng.uniform(0.7, 2.0)
        return (closed * (1 - mouth) + opened * mouth) * envelope(seconds, sample_rate, 0.06, 0.15)

    return sequence(rng, sample_rate, _few(rng, 3), (0.7, 1.8), call)


def _telephone(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Ring bursts: an electronic two-tone warble, a struck bell, or a steady dial or ringing tone."""
    ring = rng.choice([_warble, _bell, _line_tone], p=[0.45, 0.35, 0.2])
    low, seconds = _log_uniform(rng, 800, 1800), _log_uniform(rng, 0.3, 2.0)
    return sequence(
        rng, sample_rate, _few(rng, 4), (1.1 * seconds, 1.8 * seconds), lambda: ring(rng, sample_rate, low, seconds)
    )


def _warble(rng: np.random.Generator, sample_rate: int, low: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    switch = np.sin(2 * np.pi * rng.uniform(7, 22) * time) > 0
    pitch = np.where(switch, low * rng.uniform(1.15, 1.4), low)
    amplitudes = _harmonics(12, rng.uniform(0.3, 1.4)) * np.resize([1, rng.uniform(0, 1)], 12)
    return harmonic_tone(pitch, amplitudes, sample_rate) * envelope(seconds, sample_rate, 0.008, 0.03)


def _bell(rng: np.random.Generator, sample_rate: int, low: float, seconds: float) -> np.ndarray:
    ratios = np.array([1, 1.31, 2.02, 2.74, 3.6, 5.1]) * rng.uniform(0.97, 1.03, 6)
    stroke = decaying_partials(1.3 * low * ratios, 0.25 * ratios**-0.5, _harmonics(6, 0.4), 0.5, sample_rate)
    total, rate = np.zeros(round(seconds * sample_rate)), rng.uniform(14, 26)
    for number in range(int(seconds * rate)):
        overlay(total, stroke * rng.uniform(0.7, 1.0), int(number / rate * sample_rate))
    return total


def _line_tone(rng: np.random.Generator, sample_rate: int, low: float, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    pair = np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * low * rng.uniform(1.08, 1.7) * time)
    return (pair + 0.1 * pair**2) * envelope(seconds, sample_rate, 0.01, 0.02)


EVENTS: dict[str, Synthesiser] = {
    "Bark": _bark,
    "Bass_drum": _bass_drum,
    "Bus": _bus,
    "Cello": _cello,
    "Cowbell": _cowbell,
    "Flute": _flute,
    "Gong": _gong,
    "Knock": _knock,
    "Meow": _meow,
    "Telephone": _telephone,
}


def _record(sound: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """What a recorder makes of a sound: its own colour and noise, idle time around the sound, some level."""
    sound = _microphone(sound[: round(LONGEST_EVENT * sample_rate)], rng, sample_rate)
    fade = min(round(0.01 * sample_rate), len(sound))
    sound[len(sound) - fade :] *= np.linspace(1, 0, fade)
    lead = rng.uniform(0.05, 0.6) if rng.random() < 0.25 else 0.0
    trail = rng.uniform(0.05, 1.0) if rng.random() < 0.25 else 0.0
    shortest = round((SHORTEST_EVENT + rng.uniform(0.0, 0.1)) * sample_rate)
    samples = max(len(sound) + round((lead + trail) * sample_rate), shortest)
    recording = np.zeros(min(samples, round(LONGEST_EVENT * sample_rate)))
    overlay(recording, sound / np.abs(sound).max(), round(lead * sample_rate))
    hum = coloured_noise(rng, len(recording), sample_rate, rng.uniform(0.0, 1.5))
    recording += hum * 10 ** (rng.uniform(-85, -55) / 20)
    return (recording * _log_uniform(rng, 0.12, 0.98) / np.abs(recording).max()).astype(np.float32)


def _microphone(sound: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Tilt the spectrum by up to 1.5 dB per octave either way and cut off the top, as cheap recorders do."""
    length = scipy.fft.next_fast_len(len(sound), real=True)
    frequency = scipy.fft.rfftfreq(length, 1 / sample_rate)
    gain = (np.maximum(frequency, 40) / 1000) ** rng.uniform(-0.25, 0.25)
    gain /= 1 + (frequency / _log_uniform(rng, 6000, 20000)) ** 6
    return scipy.fft.irfft(scipy.fft.rfft(sound, length) * gain, length)[: len(sound)]


# ---- scenes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """Something that sounds in a scene: how often, and how loud above the bed noise (dB, from and to)."""

    synthesiser: Synthesiser
    per_ten_seconds: float
    decibels: tuple[float, float]


@dataclass(frozen=True)
class Soundscape:
    """A scene: the spectral tilt of its bed noise (range), its slow swell (0..1), and what sounds in it."""

    tilt: tuple[float, float]
    swell: float
    sources: tuple[Source, ...]


def _bed(recipe: Soundscape, rng: np.random.Generator, sample_rate: int, samples: int) -> np.ndarray:
    """Stereo bed noise of RMS about 1, float64 (samples, 2); correlation of the sides 0.6 to 0.95."""
    tilt, shared = rng.uniform(*recipe.tilt), rng.uniform(0.6, 0.95)
    left, own = (coloured_noise(rng, samples, sample_rate, tilt) for _ in range(2))
    swell = 1 + recipe.swell * wander(rng, samples, sample_rate, rng.uniform(0.2, 1.5))
    right = shared * left + np.sqrt(1 - shared**2) * own
    return np.stack([left * swell, right * swell], axis=1).astype(np.float64)


def _birds(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    base = _log_uniform(rng, 900, 4500)

    def chirp() -> np.ndarray:
        seconds = rng.uniform(0.05, 0.35)
        points = list(base * rng.uniform(0.7, 1.5, int(rng.integers(2, 5))))
        return harmonic_tone(glide(points, seconds, sample_rate), _harmonics(3, 2), sample_rate) * envelope(
            seconds, sample_rate, 0.02, 0.04
        )

    return sequence(rng, sample_rate, int(rng.integers(2, 9)), (0.12, 0.4), chirp)


def _vehicle(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A vehicle passes: noise and engine swell, the pitch falls on the way (Doppler)."""
    seconds = rng.uniform(2.0, 5.0)
    samples, pitch = round(seconds * sample_rate), _log_uniform(rng, 40, 140)
    engine = harmonic_tone(
        glide([1.06 * pitch, 1.04 * pitch, 0.94 * pitch], seconds, sample_rate), _harmonics(25, 0.8), sample_rate
    )
    tyres = coloured_noise(rng, samples, sample_rate, rng.uniform(0.6, 1.4), (80, 7000))
    return (engine * rng.uniform(0.3, 1.2) + tyres) * np.hanning(samples) ** rng.uniform(1, 3)


def _footsteps(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    low = _log_uniform(rng, 90, 700)

    def step() -> np.ndarray:
        board = low * rng.uniform(0.9, 1.1) * np.array([1, 1.9, 3.3])
        thud = decaying_partials(board, np.full(3, 0.02), _harmonics(3, 0.5), 0.15, sample_rate)
        grit = coloured_noise(rng, len(thud), sample_rate, 0.6, (200, 9000))
        return thud + grit * rng.uniform(0.2, 0.8) * np.exp(-np.arange(len(thud)) / (0.012 * sample_rate))

    return sequence(rng, sample_rate, int(rng.integers(4, 10)), (0.4, 0.7), step)


def _babble(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A talker without words: voiced syllables with changing formants."""
    pitch = _log_uniform(rng, 95, 260)

    def syllable() -> np.ndarray:
        seconds = rng.uniform(0.1, 0.3)
        curve = glide(list(pitch * rng.uniform(0.85, 1.25, 3)), seconds, sample_rate)
        voice = harmonic_tone(curve, _harmonics(30, 0.8), sample_rate)
        formants = [rng.uniform(300, 800), rng.uniform(900, 2300), rng.uniform(2300, 3200)]
        return resonate(voice, formants, 4.0, sample_rate) * envelope(seconds, sample_rate, 0.03, 0.08)

    return sequence(rng, sample_rate, int(rng.integers(4, 14)), (0.18, 0.35), syllable)


def _rail_squeal(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    seconds, pitch = rng.uniform(0.6, 3.0), _log_uniform(rng, 700, 3200)
    curve = glide(list(pitch * rng.uniform(0.92, 1.08, 4)), seconds, sample_rate)
    squeal = harmonic_tone(curve, _harmonics(5, 0.9), sample_rate)
    rough = 1 + 0.7 * wander(rng, len(squeal), sample_rate, 25)
    return squeal * rough * envelope(seconds, sample_rate, 0.2, 0.4)


def _rail_joints(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    low = _log_uniform(rng, 45, 120)

    def joint() -> np.ndarray:
        thud = decaying_partials(low * np.array([1, 2.3, 4.1]), np.full(3, 0.07), _harmonics(3, 0.8), 0.35, sample_rate)
        double = np.zeros(len(thud) + round(0.15 * sample_rate))
        overlay(double, thud, 0)
        overlay(double, thud, round(0.12 * sample_rate))
        return double

    return sequence(rng, sample_rate, int(rng.integers(3, 7)), (0.5, 0.9), joint)


def _chime(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Two or three struck or blown tones, as before an announcement or when doors close."""
    root, decay = _log_uniform(rng, 330, 1300), rng.uniform(0.15, 0.7)

    def tone() -> np.ndarray:
        frequencies = root * rng.choice([1, 5 / 4, 3 / 2, 2]) * np.array([1, 2.0, 3.01, 4.2])
        return decaying_partials(frequencies, np.full(4, decay), _harmonics(4, 1.3), 3 * decay, sample_rate)

    return sequence(rng, sample_rate, int(rng.integers(2, 5)), (0.25, 0.6), tone)


def _horn(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    seconds, low = rng.uniform(0.2, 1.2), _log_uniform(rng, 300, 520)
    pair = [np.full(round(seconds * sample_rate), low * ratio) for ratio in (1.0, rng.uniform(1.18, 1.28))]
    tone = sum(harmonic_tone(pitch, _harmonics(15, 0.5), sample_rate) for pitch in pair)
    return tone * envelope(seconds, sample_rate, 0.03, 0.08)


def _music(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Music from a shop: a run of plucked or held notes."""
    root, held = _log_uniform(rng, 110, 500), rng.random() < 0.5

    def note() -> np.ndarray:
        seconds = rng.uniform(0.25, 1.0)
        pitch = root * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12]) / 12)
        tone = harmonic_tone(np.full(round(seconds * sample_rate), pitch), _harmonics(12, 1.1), sample_rate)
        return tone * envelope(seconds, sample_rate, 0.02, 0.1 if held else seconds)

    return sequence(rng, sample_rate, int(rng.integers(5, 12)), (0.2, 0.5), note)


def _clatter(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Trolleys, dishes, shutters: short metallic hits at random."""
    low = _log_uniform(rng, 400, 2500)

    def hit() -> np.ndarray:
        frequencies = low * rng.uniform(1, 6, 6)
        return decaying_partials(frequencies, rng.uniform(0.01, 0.12, 6), np.ones(6), 0.3, sample_rate)

    return sequence(rng, sample_rate, int(rng.integers(2, 10)), (0.06, 0.4), hit)


_TALK, _STEPS = Source(_babble, 4, (2, 12)), Source(_footsteps, 2, (-4, 6))

SCENES: dict[str, Soundscape] = {
    "airport": Soundscape((1.0, 1.6), 0.2, (_TALK, _STEPS, Source(_chime, 1.5, (2, 12)), Source(_clatter, 1, (-4, 6)))),
    "metro": Soundscape(
        (1.6, 2.2), 0.5, (Source(_rail_squeal, 2, (0, 10)), Source(_rail_joints, 2, (2, 10)), Source(_chime, 1, (0, 8)))
    ),
    "park": Soundscape((0.8, 1.5), 0.4, (Source(_birds, 5, (2, 14)), _STEPS, Source(_babble, 1, (0, 8)))),
    "shopping_mall": Soundscape(
        (0.9, 1.4), 0.2, (_TALK, _STEPS, Source(_music, 2.5, (0, 10)), Source(_clatter, 2, (-4, 6)))
    ),
    "street_pedestrian": Soundscape(
        (0.9, 1.5), 0.3, (_TALK, _STEPS, Source(_chime, 0.5, (0, 8)), Source(_vehicle, 0.7, (0, 8)))
    ),
    "street_traffic": Soundscape(
        (1.1, 1.8), 0.3, (Source(_vehicle, 4, (2, 14)), Source(_horn, 1, (2, 12)), Source(_rail_squeal, 0.7, (0, 8)))
    ),
}


def _synthesiser(known: Mapping[str, Any], label: str, kind: str) -> Any:
    if label not in known:
        raise SettingsError(f"{label}: no {kind} of this name can be synthesised; {did_you_mean(label, known)}")
    return known[label]
