"""Synthesised acoustic scenes: small stand-ins for those of TAU Urban Acoustic Scenes 2019."""

from dataclasses import dataclass

import numpy as np

from sedrepro.miniature.blocks import (
    Synthesiser,
    active_rms,
    coloured_noise,
    decaying_partials,
    envelope,
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


def scene(label: str, rng: np.random.Generator, sample_rate: int, seconds: float = 10.0) -> np.ndarray:
    """One recording of an acoustic scene: float32 (samples, 2), left and right partly correlated.

    Raises:
        SettingsError: no synthesiser has this label (names the nearest).
    """
    recipe = synthesiser(SCENES, label, "scene")
    samples = round(seconds * sample_rate)
    stereo = _bed(recipe, rng, sample_rate, samples)
    for source in recipe.sources:
        for _ in range(rng.poisson(source.per_ten_seconds * seconds / 10)):
            sound = source.synthesiser(rng, sample_rate)
            sound *= 10 ** (rng.uniform(*source.decibels) / 20) / active_rms(sound)
            angle = rng.uniform(0.15, 0.85) * np.pi / 2
            start = int(rng.integers(-len(sound) // 2, samples))
            overlay(stereo, sound[:, None] * [np.cos(angle), np.sin(angle)], start)
    return (stereo * rng.uniform(0.1, 0.7) / np.abs(stereo).max()).astype(np.float32)


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


def birds(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A few chirps of one bird."""
    base = log_uniform(rng, 900, 4500)

    def chirp() -> np.ndarray:
        seconds = rng.uniform(0.05, 0.35)
        points = list(base * rng.uniform(0.7, 1.5, int(rng.integers(2, 5))))
        return harmonic_tone(glide(points, seconds, sample_rate), harmonics(3, 2), sample_rate) * envelope(
            seconds, sample_rate, 0.02, 0.04
        )

    return sequence(rng, sample_rate, int(rng.integers(2, 9)), (0.12, 0.4), chirp)


def vehicle(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A vehicle passes: noise and engine swell, the pitch falls on the way (Doppler)."""
    seconds = rng.uniform(2.0, 5.0)
    samples, pitch = round(seconds * sample_rate), log_uniform(rng, 40, 140)
    engine = harmonic_tone(
        glide([1.06 * pitch, 1.04 * pitch, 0.94 * pitch], seconds, sample_rate), harmonics(25, 0.8), sample_rate
    )
    tyres = coloured_noise(rng, samples, sample_rate, rng.uniform(0.6, 1.4), (80, 7000))
    return (engine * rng.uniform(0.3, 1.2) + tyres) * np.hanning(samples) ** rng.uniform(1, 3)


def footsteps(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Someone walks by."""
    low = log_uniform(rng, 90, 700)

    def step() -> np.ndarray:
        board = low * rng.uniform(0.9, 1.1) * np.array([1, 1.9, 3.3])
        thud = decaying_partials(board, np.full(3, 0.02), harmonics(3, 0.5), 0.15, sample_rate)
        grit = coloured_noise(rng, len(thud), sample_rate, 0.6, (200, 9000))
        return thud + grit * rng.uniform(0.2, 0.8) * np.exp(-np.arange(len(thud)) / (0.012 * sample_rate))

    return sequence(rng, sample_rate, int(rng.integers(4, 10)), (0.4, 0.7), step)


def babble(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """A talker without words: voiced syllables with changing formants."""
    pitch = log_uniform(rng, 95, 260)

    def syllable() -> np.ndarray:
        seconds = rng.uniform(0.1, 0.3)
        curve = glide(list(pitch * rng.uniform(0.85, 1.25, 3)), seconds, sample_rate)
        voice = harmonic_tone(curve, harmonics(30, 0.8), sample_rate)
        formants = [rng.uniform(300, 800), rng.uniform(900, 2300), rng.uniform(2300, 3200)]
        return resonate(voice, formants, 4.0, sample_rate) * envelope(seconds, sample_rate, 0.03, 0.08)

    return sequence(rng, sample_rate, int(rng.integers(4, 14)), (0.18, 0.35), syllable)


def _rail_squeal(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    seconds, pitch = rng.uniform(0.6, 3.0), log_uniform(rng, 700, 3200)
    curve = glide(list(pitch * rng.uniform(0.92, 1.08, 4)), seconds, sample_rate)
    squeal = harmonic_tone(curve, harmonics(5, 0.9), sample_rate)
    rough = 1 + 0.7 * wander(rng, len(squeal), sample_rate, 25)
    return squeal * rough * envelope(seconds, sample_rate, 0.2, 0.4)


def _rail_joints(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    low = log_uniform(rng, 45, 120)

    def joint() -> np.ndarray:
        thud = decaying_partials(low * np.array([1, 2.3, 4.1]), np.full(3, 0.07), harmonics(3, 0.8), 0.35, sample_rate)
        double = np.zeros(len(thud) + round(0.15 * sample_rate))
        overlay(double, thud, 0)
        overlay(double, thud, round(0.12 * sample_rate))
        return double

    return sequence(rng, sample_rate, int(rng.integers(3, 7)), (0.5, 0.9), joint)


def _chime(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Two or three struck or blown tones, as before an announcement or when doors close."""
    root, decay = log_uniform(rng, 330, 1300), rng.uniform(0.15, 0.7)

    def tone() -> np.ndarray:
        frequencies = root * rng.choice([1, 5 / 4, 3 / 2, 2]) * np.array([1, 2.0, 3.01, 4.2])
        return decaying_partials(frequencies, np.full(4, decay), harmonics(4, 1.3), 3 * decay, sample_rate)

    return sequence(rng, sample_rate, int(rng.integers(2, 5)), (0.25, 0.6), tone)


def _horn(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    seconds, low = rng.uniform(0.2, 1.2), log_uniform(rng, 300, 520)
    pair = [np.full(round(seconds * sample_rate), low * ratio) for ratio in (1.0, rng.uniform(1.18, 1.28))]
    tone = sum(harmonic_tone(pitch, harmonics(15, 0.5), sample_rate) for pitch in pair)
    return tone * envelope(seconds, sample_rate, 0.03, 0.08)


def music(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Music from a shop: a run of plucked or held notes."""
    root, held = log_uniform(rng, 110, 500), rng.random() < 0.5

    def note() -> np.ndarray:
        seconds = rng.uniform(0.25, 1.0)
        pitch = root * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12]) / 12)
        tone = harmonic_tone(np.full(round(seconds * sample_rate), pitch), harmonics(12, 1.1), sample_rate)
        return tone * envelope(seconds, sample_rate, 0.02, 0.1 if held else seconds)

    return sequence(rng, sample_rate, int(rng.integers(5, 12)), (0.2, 0.5), note)


def _clatter(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Trolleys, dishes, shutters: short metallic hits at random."""
    low = log_uniform(rng, 400, 2500)

    def hit() -> np.ndarray:
        frequencies = low * rng.uniform(1, 6, 6)
        return decaying_partials(frequencies, rng.uniform(0.01, 0.12, 6), np.ones(6), 0.3, sample_rate)

    return sequence(rng, sample_rate, int(rng.integers(2, 10)), (0.06, 0.4), hit)


_TALK, _STEPS = Source(babble, 4, (2, 12)), Source(footsteps, 2, (-4, 6))

SCENES: dict[str, Soundscape] = {
    "airport": Soundscape((1.0, 1.6), 0.2, (_TALK, _STEPS, Source(_chime, 1.5, (2, 12)), Source(_clatter, 1, (-4, 6)))),
    "metro": Soundscape(
        (1.6, 2.2), 0.5, (Source(_rail_squeal, 2, (0, 10)), Source(_rail_joints, 2, (2, 10)), Source(_chime, 1, (0, 8)))
    ),
    "park": Soundscape((0.8, 1.5), 0.4, (Source(birds, 5, (2, 14)), _STEPS, Source(babble, 1, (0, 8)))),
    "shopping_mall": Soundscape(
        (0.9, 1.4), 0.2, (_TALK, _STEPS, Source(music, 2.5, (0, 10)), Source(_clatter, 2, (-4, 6)))
    ),
    "street_pedestrian": Soundscape(
        (0.9, 1.5), 0.3, (_TALK, _STEPS, Source(_chime, 0.5, (0, 8)), Source(vehicle, 0.7, (0, 8)))
    ),
    "street_traffic": Soundscape(
        (1.1, 1.8), 0.3, (Source(vehicle, 4, (2, 14)), Source(_horn, 1, (2, 12)), Source(_rail_squeal, 0.7, (0, 8)))
    ),
}
