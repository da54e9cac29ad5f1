"""From planned events to a recording: dry and quiet, or in a room or street with noise and other sounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from sedrepro.miniature import scenes
from sedrepro.miniature.blocks import (
    Synthesiser,
    Voice,
    VoiceMaker,
    active_rms,
    coloured_noise,
    log_uniform,
    overlay,
    rms,
    wander,
)
from sedrepro.miniature.events import EVENTS
from sedrepro.miniature.planning import ClipPlan
from sedrepro.miniature.writing import clip_seed

SAMPLE_RATE = 44100
# Of the recorder itself, relative to the background's RMS (dB).
RECORDER_NOISE = (-65.0, -45.0)


@dataclass(frozen=True)
class Acoustics:
    """Where and how a domain is recorded; pairs are ranges that every clip draws from."""

    individuals: int | None
    """So many voices of each class that all clips share; None for new ones in every clip."""
    snr: tuple[float, float]
    """Level of a class above the background noise (dB)."""
    tilt: tuple[float, float]
    """Fall of the noise's power with frequency."""
    swell: float
    """How much the noise comes and goes, 0 to 1."""
    reverberation: tuple[float, float] | None
    """Reverberation time (s); None for dry sounds."""
    distractors: tuple[Synthesiser, ...]
    """Sounds of no class."""
    cutoff: tuple[float, float]
    """Frequency (Hz) above which the recorder hears nothing."""
    peak: tuple[float, float]
    """Level of the clip's loudest sample."""


# Foreground sounds over quiet rooms, as Scaper mixed them.
DRY = Acoustics(
    individuals=10,
    snr=(12, 26),
    tilt=(1.5, 2.0),
    swell=0.0,
    reverberation=None,
    distractors=(),
    cutoff=(19000, 20000),
    peak=(0.4, 0.9),
)
ROOM = Acoustics(
    individuals=None,
    snr=(6, 26),
    tilt=(0.9, 1.8),
    swell=0.4,
    reverberation=(0.2, 0.8),
    distractors=(scenes.footsteps, scenes.music, scenes.birds, scenes.vehicle, EVENTS["Knock"]),
    cutoff=(4000, 18000),
    peak=(0.05, 0.95),
)
STREET = Acoustics(
    individuals=None,
    snr=(6, 26),
    tilt=(0.9, 1.8),
    swell=0.5,
    reverberation=(0.2, 0.8),
    distractors=(scenes.footsteps, scenes.babble, scenes.birds, scenes.music),
    cutoff=(4000, 18000),
    peak=(0.05, 0.95),
)


def record(plan: ClipPlan, makers: Mapping[str, VoiceMaker], acoustics: Acoustics) -> np.ndarray:
    """The clip of a plan: float32 (samples,), or (samples, channel) where the plan has several channels."""
    rng = np.random.default_rng(plan.seed)
    samples, cutoff = round(plan.seconds * SAMPLE_RATE), log_uniform(rng, *acoustics.cutoff)
    dry = _mix_events(plan, makers, acoustics, rng, samples)
    for _ in range(rng.poisson(1.0) if acoustics.distractors else 0):
        distractor = acoustics.distractors[rng.integers(len(acoustics.distractors))](rng, SAMPLE_RATE)
        loudness = 10 ** (rng.uniform(-6, 8) / 20) / active_rms(distractor)
        overlay(dry, loudness * distractor, int(rng.integers(-len(distractor) // 2, samples)))
    mixture = in_room(dry, rng, rng.uniform(*acoustics.reverberation)) if acoustics.reverberation else dry
    noise = coloured_noise(rng, samples, SAMPLE_RATE, rng.uniform(*acoustics.tilt), (30, SAMPLE_RATE / 2))
    if acoustics.swell:
        noise = noise * (1 + acoustics.swell * wander(rng, samples, SAMPLE_RATE, rng.uniform(0.2, 1.5)))
    mixture = recorded(mixture + noise, rng, cutoff)
    mono = (mixture * log_uniform(rng, *acoustics.peak) / np.abs(mixture).max()).astype(np.float32)
    return mono if plan.channels == 1 else _microphones(mono, rng, plan.channels)


def recorded(sound: np.ndarray, rng: np.random.Generator, cutoff: float) -> np.ndarray:
    """`sound`, its background included, as a recorder keeps it that hears nothing above `cutoff` (Hz).

    One limit for all of it: an event that reached above its background's limit would give itself away there.
    """
    low_pass = scipy.signal.butter(12, cutoff, fs=SAMPLE_RATE, output="sos")
    own_noise = 10 ** (rng.uniform(*RECORDER_NOISE) / 20) * rng.standard_normal(len(sound), dtype=np.float32)
    return scipy.signal.sosfilt(low_pass, sound) + own_noise


def in_room(dry: np.ndarray, rng: np.random.Generator, reverberation: float) -> np.ndarray:
    """`dry` in a room whose sound falls by 60 dB in `reverberation` (s)."""
    tail = round(reverberation * SAMPLE_RATE)
    decay = np.exp(-6.9 * np.arange(tail) / tail).astype(np.float32)
    response = coloured_noise(rng, tail, SAMPLE_RATE, rng.uniform(0.3, 1.2)) * decay
    # The direct sound comes first and is 0 to 10 dB above all that follows.
    response *= 10 ** (rng.uniform(-10, 0) / 20) / np.sqrt(np.sum(response**2))
    response[: round(rng.uniform(0.001, 0.005) * SAMPLE_RATE)] = 0
    response[0] = 1
    length = scipy.fft.next_fast_len(len(dry) + tail, real=True)
    spectrum = scipy.fft.rfft(dry.astype(np.float32), length) * scipy.fft.rfft(response, length)
    return scipy.fft.irfft(spectrum, length)[: len(dry)]


def _mix_events(
    plan: ClipPlan,
    makers: Mapping[str, VoiceMaker],
    acoustics: Acoustics,
    rng: np.random.Generator,
    samples: int,
) -> np.ndarray:
    """All events at their times, as loud as they are above a background of RMS 1."""
    dry = np.zeros(samples)
    for label in sorted({event.event_label for event in plan.sounding}):
        voice, snr = _voice(label, makers, acoustics, rng, plan.seed.entropy), rng.uniform(*acoustics.snr)
        for event in plan.sounding:
            if event.event_label == label:
                sound = voice(rng, event.offset - event.onset)
                # A sample in seven tells the level as well as all do.
                sound *= 10 ** ((snr + rng.uniform(-2, 2)) / 20) / active_rms(sound[::7])
                overlay(dry, sound, round(event.onset * SAMPLE_RATE))
    return dry


def _voice(
    label: str,
    makers: Mapping[str, VoiceMaker],
    acoustics: Acoustics,
    rng: np.random.Generator,
    entropy: Any,
) -> Voice:
    if acoustics.individuals is None:
        return makers[label](rng, SAMPLE_RATE)
    one = clip_seed(entropy, f"individual/{label}", int(rng.integers(acoustics.individuals)))
    return makers[label](np.random.default_rng(one), SAMPLE_RATE)


def _microphones(mono: np.ndarray, rng: np.random.Generator, channels: int) -> np.ndarray:
    """The same sound at several places: a little earlier or later, louder or softer, each with its own faint noise."""
    places = []
    for _ in range(channels):
        shifted = np.roll(mono, int(rng.integers(0, 12))) * rng.uniform(0.7, 1.0)
        places.append(shifted + 0.01 * rms(mono) * rng.standard_normal(len(mono), dtype=np.float32))
    return np.stack(places, axis=1)
