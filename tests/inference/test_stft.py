import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.audio.front_end import FrontEnd
from sedrepro.inference.stft import TightStft

KINDS = {
    "half overlap": {},
    "centred": {"centred": True},
    "symmetric": {"window_symmetric": True},
    "hamming": {"window": "hamming", "window_symmetric": True, "scale_by_window": True},
    "quarter hop": {"hop_length": 128, "centred": True},
    "uneven hop": {"hop_length": 182},
    "odd window": {"window_length": 511, "hop_length": 100, "centred": True},
    "no overlap": {"hop_length": 512},
    "gaps": {"hop_length": 1100, "centred": True},
}


@pytest.fixture(params=KINDS)
def front_end(request, hann) -> FrontEnd:
    return FrontEnd(**hann.model_dump() | KINDS[request.param])


@pytest.mark.parametrize(("start", "stop"), [(0, 5000), (0, 1), (4999, 5000), (700, 1900), (1234, 1235), (0, 5003)])
def test_unmasked_sound_comes_back(front_end, start, stop):
    samples = np.random.default_rng(0).standard_normal(max(stop, 5000))
    stft = TightStft(front_end)
    frames = stft.touching(start, stop)
    sound = stft.sound(stft.spectra(samples, frames), frames, start, stop)
    np.testing.assert_allclose(sound, samples[start:stop], atol=1e-12)


def test_frames_touch_the_stretch_and_no_other_does(front_end):
    stft = TightStft(front_end)
    for start, stop in ((0, 1), (0, 3000), (777, 1500), (1024, 1025)):
        frames = stft.touching(start, stop)
        every = np.arange(-50, 200)
        begin = stft.origin + every * stft.hop
        assert list(frames) == list(every[(begin < stop) & (begin + stft.length > start)])


def test_frames_lie_on_those_of_the_front_end(front_end):
    stft = TightStft(front_end)
    frames = stft.touching(0, 9000)
    first = -(front_end.window_length // 2) if front_end.centred else 0
    np.testing.assert_allclose(
        first + stft.features_at(frames) * front_end.hop_length, stft.origin + frames * stft.hop, atol=1e-9
    )
    if 2 * front_end.hop_length <= front_end.window_length:
        assert stft.hop == front_end.hop_length


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(sorted(KINDS)), length=st.integers(1, 3000))
def test_no_mask_adds_energy_nor_do_masks_that_share(published, seed, kind, length):
    changes = {"sample_rate": 8000, "clip_seconds": 1, "window": "hann", "window_symmetric": False, "fmax": 4000}
    changes |= {"window_length": 512, "hop_length": 256, "scale_by_window": False}
    stft = TightStft(FrontEnd(**published.model_dump() | changes | KINDS[kind]))
    random = np.random.default_rng(seed)
    samples = random.standard_normal(length)
    frames = stft.touching(0, length)
    spectra = stft.spectra(samples, frames)
    shares = random.dirichlet(np.full(3, 0.3), spectra.shape)
    parts = [stft.sound(spectra * shares[..., k], frames, 0, length) for k in range(3)]
    energy = np.sum(samples**2)
    assert sum(np.sum(part**2) for part in parts) <= energy * (1 + 1e-9)
    assert np.sum((parts[0] + parts[1]) ** 2) <= energy * (1 + 1e-9)
    np.testing.assert_allclose(sum(parts), samples, atol=1e-9)
