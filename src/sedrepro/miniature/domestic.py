"""Synthesised voices of the ten domestic classes of DCASE 2019 Task 4 (DESED)."""

import numpy as np

from sedrepro.miniature.blocks import (
    Voice,
    VoiceMaker,
    coloured_noise,
    decaying_partials,
    edged,
    glide,
    harmonic_tone,
    harmonics,
    log_uniform,
    motor,
    resonate,
    row,
    sparks,
    wander,
)
from sedrepro.miniature.events import bell, warble

# First three formants (Hz) of an adult's vowels.
VOWELS = ((730, 1200, 2500), (300, 2200, 2950), (450, 850, 2450), (550, 1800, 2550))


def _alarm(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A struck bell, an electronic ring, a beeping clock or a howling siren."""
    kind = individual.choice(["bell", "ring", "beeps", "siren"], p=[0.35, 0.2, 0.25, 0.2])
    low, period = log_uniform(individual, 700, 2600), log_uniform(individual, 0.12, 0.6)
    amplitudes, swing = harmonics(6, individual.uniform(0.6, 2.0)), individual.uniform(1.2, 1.6)

    def alarm(rng: np.random.Generator, seconds: float) -> np.ndarray:
        def beep(length: float) -> np.ndarray:
            pitch = np.full(round(length * sample_rate), low)
            return edged(harmonic_tone(pitch, amplitudes, sample_rate), sample_rate, 0.005, 0.02)

        if kind == "beeps":
            return row(rng, sample_rate, seconds, (period, 1.1 * period), (0.03, 0.14), beep)
        if kind == "siren":
            howl = glide([low, swing * low] * (1 + round(seconds / period)), seconds, sample_rate)
            return harmonic_tone(howl, amplitudes, sample_rate)
        return {"bell": bell, "ring": warble}[str(kind)](rng, sample_rate, low, seconds)

    return alarm


def _blender(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A fast motor under changing load, with chopping noise."""
    speed, bright = log_uniform(individual, 130, 420), individual.uniform(0.3, 0.9)
    hiss, tilt = individual.uniform(0.4, 1.2), individual.uniform(0.2, 1.0)

    def blender(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        load = glide([0.75 * speed] + [speed * rng.uniform(0.9, 1.1) for _ in range(4)], seconds, sample_rate)
        chops = 1 + 0.5 * wander(rng, samples, sample_rate, 9)
        noise = hiss * coloured_noise(rng, samples, sample_rate, tilt, (150, 13000))
        return motor(rng, sample_rate, load, harmonics(30, bright), noise) * chops

    return blender


def _vacuum_cleaner(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Steady rushing air, a motor's whine in it, coloured by the tube."""
    speed, air = log_uniform(individual, 120, 500), individual.uniform(1.2, 3.0)
    tilt, tube = individual.uniform(0.8, 1.6), [log_uniform(individual, 500, 2500)]

    def vacuum_cleaner(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        rush = coloured_noise(rng, samples, sample_rate, tilt, (60, 11000))
        rush = rush + 2 * resonate(rush, tube, 2.0, sample_rate)
        whine = glide([0.97 * speed, speed, speed], seconds, sample_rate)
        stroke = 1 + 0.2 * wander(rng, samples, sample_rate, 1.0)
        return motor(rng, sample_rate, whine, harmonics(20, 0.9), 0.6 * air * rush) * stroke

    return vacuum_cleaner


def _shaver(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A small buzzing motor, rich in high harmonics, moved about."""
    speed, bright = log_uniform(individual, 75, 260), individual.uniform(0.0, 0.45)
    housing = [log_uniform(individual, 1500, 5500), log_uniform(individual, 3000, 8000)]
    hiss = individual.uniform(0.1, 0.5)

    def shaver(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        hum = speed * (1 + 0.04 * wander(rng, samples, sample_rate, 1.5))
        noise = hiss * coloured_noise(rng, samples, sample_rate, 0.2, (1200, 14000))
        buzz = motor(rng, sample_rate, hum, harmonics(60, bright), noise)
        return (buzz + 2 * resonate(buzz, housing, 2.0, sample_rate)) * (1 + 0.4 * wander(rng, samples, sample_rate, 2))

    return shaver


def _frying(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Sizzling hiss with crackles of fat."""
    tilt, crackle = individual.uniform(-0.4, 0.6), log_uniform(individual, 0.5, 3.0)
    rate, low = log_uniform(individual, 40, 400), log_uniform(individual, 700, 2500)

    def frying(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        sizzle = coloured_noise(rng, samples, sample_rate, tilt, (low, 17000))
        spatter = sparks(rng, samples, sample_rate, rate, 0.0008) * coloured_noise(rng, samples, sample_rate, 0.0)
        return sizzle * (1 + 0.2 * wander(rng, samples, sample_rate, 3)) + crackle * spatter

    return frying


def _running_water(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Rushing water that flutters, and bubbles that ring."""
    tilt, gurgle = individual.uniform(0.0, 1.1), log_uniform(individual, 0.1, 1.5)
    bubbles = [log_uniform(individual, 350, 2800) for _ in range(3)]
    low, rate = log_uniform(individual, 150, 900), log_uniform(individual, 15, 120)

    def running_water(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        rush = coloured_noise(rng, samples, sample_rate, tilt, (low, 13000))
        drops = resonate(sparks(rng, samples, sample_rate, rate, 0.002), bubbles, 18.0, sample_rate)
        return rush * (1 + 0.35 * wander(rng, samples, sample_rate, 14)) + 3 * gurgle * drops

    return running_water


def _dishes(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Clinks of crockery and cutlery: inharmonic partials with a click."""
    low, click = log_uniform(individual, 900, 3200), log_uniform(individual, 0.1, 1.5)
    body = low * np.sort(individual.uniform(1, 5, 9))

    def dishes(rng: np.random.Generator, seconds: float) -> np.ndarray:
        def clink(length: float) -> np.ndarray:
            # Still heard when the next clink comes: an annotator marks it until then.
            decays = np.minimum(length, 0.5) * rng.uniform(0.3, 0.6, 9)
            partials = body * rng.uniform(0.97, 1.03, 9) * rng.choice([1.0, 1.0, 1.26, 0.8])
            ring = decaying_partials(partials, decays, rng.uniform(0.1, 1, 9), length, sample_rate)
            stroke = coloured_noise(rng, len(ring), sample_rate, 0.2, (900, 15000))
            return edged(
                ring + click * stroke * np.exp(-np.arange(len(ring)) / (0.006 * sample_rate)), sample_rate, 0.001, 0.01
            )

        return row(rng, sample_rate, seconds, (0.12, 0.4), (0.0, 0.0), clink)

    return dishes


def _dog(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Hoarse barks in quick succession; some dogs howl instead when it lasts."""
    pitch, hoarseness, howls = (
        log_uniform(individual, 230, 750),
        individual.uniform(0.4, 1.8),
        individual.random() < 0.3,
    )
    formants = [individual.uniform(600, 1100), individual.uniform(1300, 2300)]

    def voice(rng: np.random.Generator, curve: np.ndarray, rough: float) -> np.ndarray:
        tone = harmonic_tone(curve, harmonics(20, 0.8), sample_rate)
        tone += rough * coloured_noise(rng, len(tone), sample_rate, 0.5, (200, 9000)) * np.abs(tone)
        return resonate(tone, formants, 3.0, sample_rate) + 0.1 * tone

    def dog(rng: np.random.Generator, seconds: float) -> np.ndarray:
        def bark(length: float) -> np.ndarray:
            top = pitch * rng.uniform(1.0, 1.35)
            curve = glide([0.8 * top, top, 0.55 * top], length, sample_rate)
            return edged(voice(rng, curve, hoarseness), sample_rate, 0.015, 0.08)

        if howls and seconds > 1.2:
            long = glide([0.8 * pitch, 1.3 * pitch, 1.2 * pitch, 0.9 * pitch], seconds, sample_rate)
            return edged(voice(rng, long, 0.3 * hoarseness), sample_rate, 0.05, 0.1)
        return row(rng, sample_rate, seconds, (0.25, 0.5), (0.02, 0.14), bark)

    return dog


def _cat(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Meows: a voice that rises and falls while the mouth opens and closes."""
    pitch, roughness = log_uniform(individual, 300, 850), individual.uniform(0.0, 0.4)
    closed = [individual.uniform(350, 650), individual.uniform(2000, 2800)]
    opened = [individual.uniform(800, 1500), individual.uniform(1800, 3200)]

    def cat(rng: np.random.Generator, seconds: float) -> np.ndarray:
        def meow(length: float) -> np.ndarray:
            points = pitch * rng.uniform([0.75, 1.0, 0.9, 0.6], [1.0, 1.4, 1.1, 0.95])
            voice = harmonic_tone(glide(list(points), length, sample_rate), harmonics(20, 0.7), sample_rate)
            voice += roughness * coloured_noise(rng, len(voice), sample_rate, 0.7, (300, 9000))
            mouth = np.sin(np.pi * np.linspace(0, 1, len(voice))) ** rng.uniform(0.7, 1.5)
            vowel = resonate(voice, closed, 3.0, sample_rate) * (1 - mouth)
            return edged(vowel + resonate(voice, opened, 3.0, sample_rate) * mouth, sample_rate, 0.03, 0.08)

        return row(rng, sample_rate, seconds, (0.6, 1.5), (0.02, 0.14), meow)

    return cat


def _speech(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A talker without words: a melody through changing vowels, syllable by syllable, hisses between them."""
    pitch, tract = log_uniform(individual, 90, 300), individual.uniform(0.9, 1.25)
    tempo, sharp = individual.uniform(3.0, 6.0), individual.uniform(0.3, 1.2)

    def speech(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        melody = pitch * 2 ** (0.35 * wander(rng, samples, sample_rate, 2.5))
        tone = harmonic_tone(melody, harmonics(30, 0.8), sample_rate)
        tone += 0.05 * coloured_noise(rng, samples, sample_rate, 0.5, (200, 8000))
        first, second = rng.permutation(len(VOWELS))[:2]
        blend = 0.5 + 0.5 * wander(rng, samples, sample_rate, 2 * tempo)
        vowels = [resonate(tone, [tract * f for f in VOWELS[v]], 5.0, sample_rate) for v in (first, second)]
        beat = np.cumsum(tempo * (1 + 0.4 * wander(rng, samples, sample_rate, tempo))) / sample_rate
        opening = 0.5 - 0.5 * np.cos(2 * np.pi * (beat + 0.1))
        hiss = coloured_noise(rng, samples, sample_rate, 0.0, (2500, 9500)) * (1 - opening) ** 3
        voiced = (vowels[0] * blend + vowels[1] * (1 - blend)) * (0.1 + 0.9 * opening)
        return edged(voiced + 0.12 * sharp * hiss, sample_rate, 0.01, 0.03)

    return speech


VOICES: dict[str, VoiceMaker] = {
    "Alarm_bell_ringing": _alarm,
    "Blender": _blender,
    "Cat": _cat,
    "Dishes": _dishes,
    "Dog": _dog,
    "Electric_shaver_toothbrush": _shaver,
    "Frying": _frying,
    "Running_water": _running_water,
    "Speech": _speech,
    "Vacuum_cleaner": _vacuum_cleaner,
}
