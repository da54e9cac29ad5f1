"""Synthesised voices of the seventeen vehicle and warning classes of DCASE 2017 Task 4."""

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
    overlay,
    resonate,
    row,
    sparks,
    wander,
)


def _chord(individual: np.random.Generator, sample_rate: int, pitches: np.ndarray, bright: float) -> Voice:
    """A horn of several pipes that sound together, with a little hiss of air."""
    air, bend = individual.uniform(0.02, 0.2), individual.uniform(0.94, 1.0)

    def horn(rng: np.random.Generator, seconds: float) -> np.ndarray:
        shape = glide([bend, 1.0, 1.0, 1.0, bend], seconds, sample_rate)
        sound = air * coloured_noise(rng, len(shape), sample_rate, 0.5, (200, 9000))
        for pitch in pitches:
            sound = sound + harmonic_tone(pitch * shape, harmonics(18, bright), sample_rate)
        return edged(sound, sample_rate, 0.04, 0.08)

    return horn


def _train_horn(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Three to five pipes in a chord."""
    root, pipes = log_uniform(individual, 240, 400), int(individual.integers(3, 6))
    return _chord(individual, sample_rate, root * np.array([1, 1.19, 1.34, 1.59, 1.78])[:pipes], 0.5)


def _air_horn(individual: np.random.Generator, sample_rate: int) -> Voice:
    """One or two deep, brassy pipes."""
    root, pipes = log_uniform(individual, 130, 300), int(individual.integers(1, 3))
    return _chord(individual, sample_rate, root * np.array([1, individual.uniform(1.18, 1.3)])[:pipes], 0.25)


def _car_alarm(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Quick sweeps, tones or honks of an alarm, one pattern after another."""
    low, period = log_uniform(individual, 600, 1500), individual.uniform(0.15, 0.5)
    patterns = ([1, 1.8], [1.8, 1], [1, 1.0], [1, 1.6, 1])
    chosen = [patterns[n] for n in individual.permutation(len(patterns))[:2]]

    def car_alarm(rng: np.random.Generator, seconds: float) -> np.ndarray:
        pattern = chosen[int(rng.integers(2))]

        def chirp(length: float) -> np.ndarray:
            tone = harmonic_tone(glide([low * p for p in pattern], length, sample_rate), harmonics(8, 0.8), sample_rate)
            return edged(tone, sample_rate, 0.01, 0.02)

        return row(rng, sample_rate, seconds, (period, 1.1 * period), (0.02, 0.12), chirp)

    return car_alarm


def _reversing_beeps(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Nearly pure beeps, about as long as the pauses between them."""
    pitch, period = log_uniform(individual, 900, 1800), individual.uniform(0.6, 1.1)
    amplitudes = harmonics(3, individual.uniform(1.5, 3.0))

    def reversing_beeps(rng: np.random.Generator, seconds: float) -> np.ndarray:
        def beep(length: float) -> np.ndarray:
            tone = harmonic_tone(np.full(round(length * sample_rate), pitch), amplitudes, sample_rate)
            return edged(tone, sample_rate, 0.01, 0.02)

        return row(rng, sample_rate, seconds, (period, 1.05 * period), (0.4 * period, 0.5 * period), beep)

    return reversing_beeps


def _bicycle(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A ticking freewheel over a soft rush of tyres and chain."""
    hub, ticks = log_uniform(individual, 1500, 5000), log_uniform(individual, 9, 28)
    rush, tilt = individual.uniform(0.1, 0.5), individual.uniform(0.3, 1.0)

    def bicycle(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        partials = hub * np.array([1, 1.7, 2.3])
        tick = decaying_partials(partials, np.full(3, 0.006), np.array([1, 0.7, 0.4]), 0.04, sample_rate)
        sound = rush * coloured_noise(rng, samples, sample_rate, tilt, (300, 10000))
        speed = ticks * (1 + 0.2 * wander(rng, samples, sample_rate, 0.7))
        turns = np.floor(np.cumsum(speed) / sample_rate)
        for start in np.flatnonzero(np.diff(turns, prepend=-1)):
            overlay(sound, tick * rng.uniform(0.5, 1.0), int(start))
        return sound

    return bicycle


def _skateboard(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Hard wheels rolling on concrete, with clacks of the board."""
    tilt, rough = individual.uniform(0.5, 1.2), log_uniform(individual, 14, 45)
    wood = log_uniform(individual, 300, 900) * np.array([1, 1.8, 2.9])

    def skateboard(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        roll = coloured_noise(rng, samples, sample_rate, tilt, (250, 7000))
        roll *= 1 + 0.6 * wander(rng, samples, sample_rate, rough)
        clack = decaying_partials(wood, np.full(3, 0.03), np.ones(3), 0.2, sample_rate)
        for start in rng.uniform(0, samples, rng.poisson(1.2 * seconds)):
            overlay(roll, clack * rng.uniform(1, 4), int(start))
        return roll

    return skateboard


def _siren(individual: np.random.Generator, sample_rate: int, turns: tuple[float, float], steps: bool) -> Voice:
    """A siren between two pitches: it glides, or it jumps where `steps`; `turns` per second."""
    low, span = (
        log_uniform(individual, 450, 800),
        individual.uniform(1.3, 1.5) if steps else individual.uniform(1.6, 2.2),
    )
    rate, bright = log_uniform(individual, *turns), individual.uniform(0.5, 1.2)

    def siren(rng: np.random.Generator, seconds: float) -> np.ndarray:
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        swing = np.sin(2 * np.pi * (rate * time + rng.uniform()))
        height = np.clip(25 * swing, -1, 1) if steps else swing
        pitch = low * span ** (0.5 + 0.5 * height)
        return edged(harmonic_tone(pitch, harmonics(12, bright), sample_rate), sample_rate, 0.05, 0.1)

    return siren


def _ambulance(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Two tones in turn, or now and then a wail like the other sirens'."""
    steps = individual.random() < 0.75
    return _siren(individual, sample_rate, (0.6, 1.2) if steps else (0.3, 0.6), steps)


def _fire_engine(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A slow wail above a deep horn that never rests."""
    wail = _siren(individual, sample_rate, (0.1, 0.35), steps=False)
    horn = _chord(individual, sample_rate, np.array([log_uniform(individual, 150, 260)]), 0.4)
    share = individual.uniform(0.1, 0.7)
    return lambda rng, seconds: wail(rng, seconds) + share * horn(rng, seconds)


def _civil_defense_siren(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A rotor siren that rises and falls very slowly; two rows of holes a third apart."""
    low, rate = log_uniform(individual, 270, 480), log_uniform(individual, 0.03, 0.12)

    def civil_defense_siren(rng: np.random.Generator, seconds: float) -> np.ndarray:
        time = np.arange(round(seconds * sample_rate)) / sample_rate
        pitch = low * 1.3 ** np.sin(2 * np.pi * (rate * time + rng.uniform()))
        sound = harmonic_tone(pitch, harmonics(8, 0.9), sample_rate)
        return edged(sound + harmonic_tone(1.2 * pitch, harmonics(8, 0.9), sample_rate), sample_rate, 0.1, 0.1)

    return civil_defense_siren


def _police_car(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A fast yelp or a wail."""
    return _siren(individual, sample_rate, (2.0, 5.0) if individual.random() < 0.6 else (0.2, 0.5), steps=False)


def _screaming(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A strained, rough voice high up."""
    pitch, roughness = log_uniform(individual, 500, 1500), individual.uniform(0.2, 1.0)
    formants = [individual.uniform(900, 1500), individual.uniform(1800, 3500)]

    def screaming(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        curve = glide([0.8 * pitch, 1.15 * pitch, pitch, 0.75 * pitch], seconds, sample_rate)
        curve *= 1 + 0.04 * roughness * wander(rng, samples, sample_rate, 60)
        voice = harmonic_tone(curve, harmonics(12, 0.5), sample_rate)
        voice += 0.5 * roughness * coloured_noise(rng, samples, sample_rate, 0.4, (600, 11000))
        scream = resonate(voice, formants, 2.5, sample_rate) + 0.3 * voice
        return edged(scream * (1 + 0.3 * roughness * wander(rng, samples, sample_rate, 30)), sample_rate, 0.04, 0.12)

    return screaming


def _engine(
    individual: np.random.Generator,
    sample_rate: int,
    speeds: tuple[float, float],
    bright: tuple[float, float],
    road: tuple[float, float],
    revs: float,
) -> Voice:
    """A driving vehicle.

    Args:
        speeds: range of the ignition's pitch (Hz).
        bright: range of the slope of its harmonics; small is bright.
        road: range of the level of tyres and wind.
        revs: how far the pitch moves, in octaves.
    """
    speed, slope, tilt = log_uniform(individual, *speeds), individual.uniform(*bright), individual.uniform(0.9, 1.7)
    # Cylinders differ, so that half orders sound too.
    amplitudes = harmonics(40, slope) * individual.uniform(0.3, 1.0, 40)
    level = log_uniform(individual, *road)

    def vehicle(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        points = [speed * 2 ** (revs * rng.uniform(-1, 1)) for _ in range(2 + round(seconds / 2))]
        noise = level * coloured_noise(rng, samples, sample_rate, tilt, (60, 9000))
        engine = motor(rng, sample_rate, glide(points, seconds, sample_rate), amplitudes, noise)
        return engine * (1 + 0.2 * wander(rng, samples, sample_rate, 1.5))

    return vehicle


def _car(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A smooth engine and tyres."""
    return _engine(individual, sample_rate, (50, 130), (0.8, 1.4), (0.6, 2.5), 0.3)


def _car_passing_by(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A car that comes and goes: tyre noise swells, the pitch falls on the way (Doppler)."""
    speed, tilt = log_uniform(individual, 60, 150), individual.uniform(0.6, 1.3)
    level, sharp = individual.uniform(1.5, 4.0), individual.uniform(1.0, 3.0)

    def car_passing_by(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        tyres = level * coloured_noise(rng, samples, sample_rate, tilt, (80, 9000))
        pitch = glide([1.07 * speed, 1.05 * speed, 0.95 * speed, 0.93 * speed], seconds, sample_rate)
        # Marked while it is heard: still a twelfth of the top level at both ends.
        swell = 0.08 + 0.92 * np.hanning(samples) ** sharp
        return motor(rng, sample_rate, pitch, harmonics(25, 0.9), tyres) * swell

    return car_passing_by


def _bus(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A slow diesel with rumble, and now and then an air brake."""
    engine = _engine(individual, sample_rate, (28, 60), (0.5, 1.0), (0.4, 1.2), 0.4)
    hisses = individual.random() < 0.6

    def bus(rng: np.random.Generator, seconds: float) -> np.ndarray:
        sound = engine(rng, seconds)
        if hisses and seconds > 1:
            air = coloured_noise(rng, round(0.6 * sample_rate), sample_rate, -0.3, (1500, 13000))
            overlay(sound, edged(air, sample_rate, 0.01, 0.4), int(rng.uniform(0, 0.7) * len(sound)))
        return sound

    return bus


def _truck(individual: np.random.Generator, sample_rate: int) -> Voice:
    """A heavy diesel: knocking, rumbling body."""
    engine = _engine(individual, sample_rate, (22, 50), (0.2, 0.7), (0.8, 2.0), 0.25)
    body = [log_uniform(individual, 70, 160)]

    def truck(rng: np.random.Generator, seconds: float) -> np.ndarray:
        sound = engine(rng, seconds)
        return sound + 2 * resonate(sound, body, 1.5, sample_rate)

    return truck


def _motorcycle(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Strong pulses of one or two cylinders that rev up and down."""
    return _engine(individual, sample_rate, (55, 190), (0.1, 0.5), (0.1, 0.5), 0.8)


def _train(individual: np.random.Generator, sample_rate: int) -> Voice:
    """Rolling rumble, clattering rail joints, squeals now and then."""
    low, tilt, squeals = log_uniform(individual, 60, 140), individual.uniform(1.0, 1.8), individual.random() < 0.4
    squeal, period = log_uniform(individual, 1500, 4000), individual.uniform(0.4, 0.9)

    def train(rng: np.random.Generator, seconds: float) -> np.ndarray:
        samples = round(seconds * sample_rate)
        sound = coloured_noise(rng, samples, sample_rate, tilt, (40, 8000)) * (
            1 + 0.3 * wander(rng, samples, sample_rate, 5)
        )
        joint = decaying_partials(
            low * np.array([1, 2.3, 4.1, 9]), np.full(4, 0.06), harmonics(4, 0.4), 0.3, sample_rate
        )
        for start in np.arange(rng.uniform(0, period), seconds, period):
            for lag in (0.0, 0.13):
                overlay(sound, joint * rng.uniform(1, 2), round((start + lag) * sample_rate))
        if squeals:
            sound += (
                0.3
                * harmonic_tone(
                    squeal * (1 + 0.02 * wander(rng, samples, sample_rate, 3)), harmonics(4, 1.0), sample_rate
                )
                * (0.5 + 0.5 * wander(rng, samples, sample_rate, 1.0))
            )
        return sound + 0.3 * sparks(rng, samples, sample_rate, 8, 0.01)

    return train


VOICES: dict[str, VoiceMaker] = {
    "Train horn": _train_horn,
    "Air horn, truck horn": _air_horn,
    "Car alarm": _car_alarm,
    "Reversing beeps": _reversing_beeps,
    "Bicycle": _bicycle,
    "Skateboard": _skateboard,
    "Ambulance (siren)": _ambulance,
    "Fire engine, fire truck (siren)": _fire_engine,
    "Civil defense siren": _civil_defense_siren,
    "Police car (siren)": _police_car,
    "Screaming": _screaming,
    "Car": _car,
    "Car passing by": _car_passing_by,
    "Bus": _bus,
    "Truck": _truck,
    "Motorcycle": _motorcycle,
    "Train": _train,
}
