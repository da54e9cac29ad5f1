"""Synthesised sound events: any sample rate, lengths within what is promised."""

import numpy as np
import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.miniature.events import EVENTS, event


@pytest.mark.parametrize("sample_rate", [16000, 44100])
@pytest.mark.parametrize("label", EVENTS)
def test_event_at_any_sample_rate(label: str, sample_rate: int):
    for number in range(3):
        samples = event(label, np.random.default_rng(number), sample_rate)
        assert samples.dtype == np.float32
        assert samples.ndim == 1
        assert np.isfinite(samples).all()
        assert 0.3 <= len(samples) / sample_rate <= 8.0


def test_an_unknown_event_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'Cowbell'"):
        event("Cowbel", np.random.default_rng(0), 44100)
