"""What the tests of inference share: tones, and pictures that cost nothing where a test is not about them."""

from pathlib import Path

import numpy as np
import pytest

RATE = 8000


@pytest.fixture(scope="session")
def tone():
    """Samples (sample,) of a tone, by frequency in Hz, length in s and onset in s; silent before it."""

    def make(frequency: float, seconds: float, onset: float = 0.0, level: float = 0.4) -> np.ndarray:
        time = np.arange(round(seconds * RATE)) / RATE
        return (level * np.sin(2 * np.pi * frequency * time) * (time >= onset)).astype(np.float32)

    return make


@pytest.fixture
def blank_pictures(monkeypatch):
    """Pictures are empty files: drawing one takes a second."""

    def save(figure: None, stem: Path) -> None:
        for ending in (".svg", ".png"):
            stem.with_name(stem.name + ending).touch()

    for verb in ("detect", "separate"):
        monkeypatch.setattr(f"sedrepro.inference.{verb}.draw_recording", lambda *_: None)
        monkeypatch.setattr(f"sedrepro.inference.{verb}.save_picture", save)
