"""Synthesised recordings of single sound events: small stand-ins for those of FSDKaggle2018."""

import numpy as np
import scipy.fft

from sedrepro.miniature.blocks import (
    Synthesiser,
    coloured_noise,
    decaying_partials,
    envelope,
    few,
    glide,
    harmonic_tone,
    harmonics,
    log_uniform,
    overlay,
    resonate,
    sequence,
    synthesiser,
    wander,
)

SHORTEST_EVENT, LONGEST_EVENT = 0.3, 8.0  # seconds


def event(label: str, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One recording of a sound event: float32 (samples,), 0.3 to 8 s, peak 0.1 to 0.99.

    Raises:
        SettingsError: no synthesiser has this label (names the nearest).
    """
    sound = synthesiser(EVENTS, label, "sound event")(rng, sample_rate)
    return _record(sound, rng, sample_rate)


def _bass_drum(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A skin whose pitch drops after the stroke, with a beater click."""
    low, drop, decay = log_uniform(rng, 42, 110), rng.uniform(1.2, 3.0), log_uniform(rng, 0.06, 0.4)
    click = log_uniform(rng, 0.02, 0.5)

    def hit() -> np.ndarray:
        time = np.arange(round(min(5 * decay, 1.4) * sample_rate)) / sample_rate
        pitch = low * (1 + (drop - 1) * np.exp(-time / 0.03))
        skin = harmonic_tone(pitch, harmonics(4, 2.0), sample_rate) * np.exp(-time / decay)
        noise = coloured_noise(rng, len(time), sample_rate, 0.7, (60, 9000))
        return skin + click * noise * np.exp(-time / 0.008)

    return sequence(rng, sample_rate, few(rng, 5), (0.25, 0.8), hit)


def _bark(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Short hoarse calls that fall in pitch; a large or a small dog."""
    pitch, hoarseness = log_uniform(rng, 220, 600), rng.uniform(0.5, 1.8)
    formants = [rng.uniform(600, 1000), rng.uniform(1300, 2000)]

    def call() -> np.ndarray:
        seconds = rng.uniform(0.08, 0.32)
        top = pitch * rng.uniform(1.0, 1.35)
        curve = glide([0.8 * top, top, 0.55 * top], seconds, sample_rate)
        voice = harmonic_tone(curve, harmonics(20, 0.8), sample_rate)
        voice += hoarseness * coloured_noise(rng, len(voice), sample_rate, 0.5, (200, 9000)) * np.abs(voice)
        return (resonate(voice, formants, 3.0, sample_rate) + 0.1 * voice) * envelope(seconds, sample_rate, 0.015, 0.1)

    return sequence(rng, sample_rate, few(rng, 6), (0.25, 0.9), call)


def _bus(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A diesel engine that idles or pulls away, road rumble, and now and then an air brake."""
    seconds = rng.uniform(2.0, LONGEST_EVENT)
    samples, idle = round(seconds * sample_rate), log_uniform(rng, 24, 60)
    rise = rng.choice([1.0, rng.uniform(1.3, 2.2), rng.uniform(0.5, 0.8)])
    pitch = glide([idle, idle * rise**0.3, idle * rise], seconds, sample_rate)
    pitch = pitch * (1 + 0.03 * wander(rng, samples, sample_rate, 3))
    engine = harmonic_tone(pitch, harmonics(40, rng.uniform(0.4, 1.2)) * rng.uniform(0.2, 1, 40), sample_rate)
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
    root, plucked = log_uniform(rng, 66, 290), rng.random() < 0.2
    body = [rng.uniform(180, 260), rng.uniform(380, 620), rng.uniform(1000, 2200)]
    slope, bow_noise, vibrato = rng.uniform(0.7, 1.5), rng.uniform(0.01, 0.12), rng.uniform(0.0, 0.012)

    def note() -> np.ndarray:
        seconds = rng.uniform(0.4, 1.2) if plucked else log_uniform(rng, 0.5, 4.0)
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        swing = 1 + vibrato * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * time) * np.clip(time / 0.4, 0, 1)
        string = harmonic_tone(
            root * rng.choice([1, 9 / 8, 5 / 4, 4 / 3, 3 / 2]) * swing, harmonics(30, slope), sample_rate
        )
        string += bow_noise * coloured_noise(rng, len(time), sample_rate, 0.5, (200, 9000))
        string = resonate(string, body, 2.0, sample_rate) + 0.4 * string
        if plucked:
            return string * np.exp(-time / (0.3 * seconds))
        return string * envelope(seconds, sample_rate, rng.uniform(0.03, 0.2), rng.uniform(0.05, 0.4))

    return sequence(rng, sample_rate, few(rng, 4), (0.4, 1.4), note)


def _cowbell(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Two inharmonic, square-like partials that die quickly; one stroke or a rhythm."""
    low, ratio = log_uniform(rng, 450, 900), rng.uniform(1.38, 1.6)
    decay, brightness = log_uniform(rng, 0.04, 0.45), rng.uniform(0.4, 1.4)

    def stroke() -> np.ndarray:
        orders = np.array([1.0, 3.0, 5.0, 7.0])
        frequencies = np.concatenate([low * orders, low * ratio * orders]) * rng.uniform(0.99, 1.01, 8)
        amplitudes = np.tile(orders**-brightness, 2) * rng.uniform(0.5, 1, 8)
        decays = decay * np.tile(orders**-0.4, 2)
        metal = decaying_partials(frequencies, decays, amplitudes, min(6 * decay + 0.05, 2.0), sample_rate)
        click = coloured_noise(rng, len(metal), sample_rate, 0.3, (500, 12000))
        return metal + rng.uniform(0.1, 0.8) * click * np.exp(-np.arange(len(metal)) / (0.003 * sample_rate))

    return sequence(rng, sample_rate, few(rng, 7), (0.15, 0.6), stroke)


def _flute(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Nearly pure blown notes with breath noise and vibrato, from an alto flute to a piccolo."""
    root, breath = log_uniform(rng, 380, 1300), log_uniform(rng, 0.02, 0.3)
    slope, tremolo = rng.uniform(1.2, 2.6), rng.uniform(0.0, 0.3)

    def note() -> np.ndarray:
        seconds = log_uniform(rng, 0.25, 3.0)
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        swing = np.sin(2 * np.pi * rng.uniform(4, 6.5) * time)
        pitch = root * rng.choice([1, 9 / 8, 5 / 4, 4 / 3, 3 / 2]) * (1 + 0.006 * swing)
        tone = harmonic_tone(pitch, harmonics(8, slope), sample_rate) * (1 + tremolo * swing)
        tone += breath * coloured_noise(rng, len(time), sample_rate, 0.6, (0.7 * root, 12000))
        return tone * envelope(seconds, sample_rate, rng.uniform(0.02, 0.12), rng.uniform(0.04, 0.2))

    return sequence(rng, sample_rate, few(rng, 6), (0.3, 1.0), note)


def _gong(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Many inharmonic partials; the high ones bloom after the stroke and die first."""
    low, count = log_uniform(rng, 60, 320), int(rng.integers(14, 32))
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
    low, decay = log_uniform(rng, 90, 500), log_uniform(rng, 0.012, 0.06)
    board = low * np.array([1, rng.uniform(1.5, 2.2), rng.uniform(2.4, 3.6), rng.uniform(4, 7)])

    def hit() -> np.ndarray:
        jitter = rng.uniform(0.96, 1.04, 4)
        wood = decaying_partials(board * jitter, decay / np.sqrt(board / low), harmonics(4, 0.5), 0.35, sample_rate)
        click = coloured_noise(rng, len(wood), sample_rate, 0.8, (200, 8000))
        return wood + rng.uniform(0.2, 1.0) * click * np.exp(-np.arange(len(wood)) / (0.004 * sample_rate))

    return sequence(rng, sample_rate, int(rng.integers(1, 8)), (0.12, 0.4), hit)


def _meow(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A voice that rises and falls while the mouth opens and closes (two formant settings cross-faded)."""
    pitch, roughness = log_uniform(rng, 280, 850), rng.uniform(0.0, 0.3)

    def call() -> np.ndarray:
        seconds = log_uniform(rng, 0.3, 1.6)
        points = [pitch * rng.uniform(0.75, 1.0), pitch * rng.uniform(1.0, 1.4), pitch, pitch * rng.uniform(0.6, 0.95)]
        voice = harmonic_tone(glide(points, seconds, sample_rate), harmonics(20, 0.7), sample_rate)
        voice += roughness * coloured_noise(rng, len(voice), sample_rate, 0.7, (300, 9000))
        closed = resonate(voice, [rng.uniform(350, 650), rng.uniform(2000, 2800)], 3.0, sample_rate)
        opened = resonate(voice, [rng.uniform(800, 1500), rng.uniform(1800, 3200)], 3.0, sample_rate)
        mouth = np.sin(np.pi * np.linspace(0, 1, len(voice))) ** rng.uniform(0.7, 2.0)
        return (closed * (1 - mouth) + opened * mouth) * envelope(seconds, sample_rate, 0.06, 0.15)

    return sequence(rng, sample_rate, few(rng, 3), (0.7, 1.8), call)


def _telephone(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Ring bursts: an electronic two-tone warble, a struck bell, or a steady dial or ringing tone."""
    rings = (warble, bell, _line_tone)
    ring = rings[rng.choice(len(rings), p=[0.45, 0.35, 0.2])]
    low, seconds = log_uniform(rng, 800, 1800), log_uniform(rng, 0.3, 2.0)
    return sequence(
        rng, sample_rate, few(rng, 4), (1.1 * seconds, 1.8 * seconds), lambda: ring(rng, sample_rate, low, seconds)
    )


def warble(rng: np.random.Generator, sample_rate: int, low: float, seconds: float) -> np.ndarray:
    """The two-tone ring of an electronic bell, tones from `low` (Hz) up."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    switch = np.sin(2 * np.pi * rng.uniform(7, 22) * time) > 0
    pitch = np.where(switch, low * rng.uniform(1.15, 1.4), low)
    amplitudes = harmonics(12, rng.uniform(0.3, 1.4)) * np.resize([1, rng.uniform(0, 1)], 12)
    return harmonic_tone(pitch, amplitudes, sample_rate) * envelope(seconds, sample_rate, 0.008, 0.03)


def bell(rng: np.random.Generator, sample_rate: int, low: float, seconds: float) -> np.ndarray:
    """A clapper strikes a bell many times a second; `low` (Hz) says how large the bell is."""
    ratios = np.array([1, 1.31, 2.02, 2.74, 3.6, 5.1]) * rng.uniform(0.97, 1.03, 6)
    stroke = decaying_partials(1.3 * low * ratios, 0.25 * ratios**-0.5, harmonics(6, 0.4), 0.5, sample_rate)
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
    return (recording * log_uniform(rng, 0.12, 0.98) / np.abs(recording).max()).astype(np.float32)


def _microphone(sound: np.ndarray, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Tilt the spectrum by up to 1.5 dB per octave either way and cut off the top, as cheap recorders do."""
    length = scipy.fft.next_fast_len(len(sound), real=True)
    frequency = scipy.fft.rfftfreq(length, 1 / sample_rate)
    gain = (np.maximum(frequency, 40) / 1000) ** rng.uniform(-0.25, 0.25)
    gain /= 1 + (frequency / log_uniform(rng, 6000, 20000)) ** 6
    return scipy.fft.irfft(scipy.fft.rfft(sound, length) * gain, length)[: len(sound)]
