"""Runs whose weights are constructed, not trained: they hear two tones in noise, far from any threshold.

What a network decides after some epochs of training depends on the processor's instructions; what these decide does
not: a bin of a tone has a mask above 0.8, one of noise below 0.05.
"""

from pathlib import Path

import numpy as np
import torch
import untrained
from torch import nn

from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.runs import RunIdentity
from sedrepro.nn.masking import MaskNetwork

PAPER = "ddc_fap"
WHO = RunIdentity(PAPER, "vgg_fap", "remix_0db", 1, 1)
UNMASKED = RunIdentity(PAPER, "talnet", "remix_0db", 1, 1)
RATE = 8000
TONES = {"Bark": 500.0, "Meow": 2500.0}
#: Mel bands, of 32, that a tone of the class is in.
BANDS = {"Bark": (5, 6), "Meow": (25, 26)}
#: Log-mel energy between that of the noise, about -7.5, and that of a tone, about -4.
LOUD = -5.8
SETTINGS = {
    **{"front_end.sample_rate": RATE, "front_end.fmax": RATE / 2, "front_end.clip_seconds": 2},
    **{"front_end.window_length": 512, "front_end.hop_length": 256, "front_end.n_mels": 32},
    **{"networks.vgg.channels": [2, 2], "networks.talnet.channels": [2, 2, 2], "networks.talnet.recurrent": 2},
    **{"detection.hysteresis.clip_threshold": 0.3, "detection.hysteresis.high": 0.5, "detection.hysteresis.low": 0.3},
    **{"detection.hysteresis.longest_gap_frames": 4, "detection.hysteresis.shortest_frames": 5},
}


def sounds(events: list[tuple[str, float, float]], seconds: float, seed: int = 0, level: float = 0.3) -> np.ndarray:
    """Tones of the classes in noise; events are (label, onset, offset)."""
    time = np.arange(round(seconds * RATE)) / RATE
    samples = 0.01 * np.random.default_rng(seed).standard_normal(len(time))
    for label, onset, offset in events:
        samples += level * np.sin(2 * np.pi * TONES[label] * time) * ((time >= onset) & (time < offset))
    return samples.astype(np.float32)


def configured(folder: Path, **changes) -> Config:
    """The configuration of the runs in a folder; `changes` are settings of the paper, with __ for a dot."""
    settings = SETTINGS | {key.replace("__", "."): value for key, value in changes.items()}
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "set": {PAPER: settings}}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


def write_runs(config: Config) -> None:
    """Write a run that hears the tones, and one of a network without masks."""
    untrained.write_run(config, WHO, classes=tuple(TONES), construct=hear_tones, mean=LOUD, deviation=1)
    untrained.write_run(config, UNMASKED, classes=tuple(TONES))


@torch.no_grad()
def hear_tones(network: MaskNetwork) -> None:
    """The masks of all classes are the bins above the mean; a class counts the bands of its tone.

    Blocks hand on their input, as far as it is positive, in the first of their channels.
    """
    for layer in network.blocks.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.zero_()
            layer.weight[0, 0, 1, 1] = 1
    network.masks.weight.zero_()
    network.masks.weight[:, 0] = 3
    network.masks.bias.fill_(-3)
    network.pooling.free_alpha.fill_(-12)  # alpha about 0
    for number, label in enumerate(TONES):
        network.pooling.free_alpha[number, list(BANDS[label])] = 6  # nearly its bound
