"""Synthesised acoustic scenes: two channels of the asked length."""

import numpy as np
import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.miniature.scenes import SCENES, scene


@pytest.mark.parametrize("label", SCENES)
def test_scene_has_the_asked_length(label: str):
    samples = scene(label, np.random.default_rng(0), 16000, seconds=1.5)
    assert samples.shape == (24000, 2)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()


def test_an_unknown_scene_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'shopping_mall'"):
        scene("shoping_mall", np.random.default_rng(0), 48000)
