import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.audio.front_end import FrontEnd, mel_filters
from sedrepro.training.augmentation import (
    AmplitudeNoise,
    LogMelNoise,
    SnrNoise,
    filter_heights,
    shift_in_time,
    time_shifts,
)
from sedrepro.training.frame_labels import pool_labels

MELS, OFFSET = 4, 1e-4
few = settings(deadline=None, max_examples=40)

CPU = torch.device("cpu")


def seeded(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rolled(values: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    """Slow reference."""
    return torch.stack([value.roll(int(shift), dims=0) for value, shift in zip(values, shifts, strict=True)])


def test_shifts_are_normal_whole_frames():
    shifts = time_shifts(20_000, 16.0, seeded(), CPU)
    assert shifts.dtype == torch.int64
    assert shifts.shape == (20_000,)
    assert abs(float(shifts.double().mean())) < 0.4
    assert float(shifts.double().std()) == pytest.approx(16, rel=0.02)
    assert torch.equal(shifts, time_shifts(20_000, 16.0, seeded(), CPU))


def test_no_deviation_is_no_shift():
    assert not time_shifts(50, 0.0, seeded(), CPU).any()


def test_rounding_favours_no_direction():
    # Truncated, a deviation of 0.4 would hardly ever shift; rounded, 21 % of the clips are.
    shifts = time_shifts(20_000, 0.4, seeded(), CPU)
    share = math.erfc(0.5 / 0.4 / math.sqrt(2))
    assert float((shifts != 0).double().mean()) == pytest.approx(share, abs=0.015)


def test_a_positive_shift_is_later():
    values = torch.arange(5.0).repeat(3, 1)
    shifted = shift_in_time(values, torch.tensor([1, -2, 0]))
    assert shifted.tolist() == [[4, 0, 1, 2, 3], [2, 3, 4, 0, 1], [0, 1, 2, 3, 4]]


@few
@given(st.integers(1, 4), st.integers(1, 12), st.sampled_from([(), (3,), (2, 3)]), st.integers(0, 99))
def test_shifts_are_rolls_of_any_length(batch, frames, rest, seed):
    values = torch.rand((batch, frames, *rest), generator=seeded(seed))
    shifts = torch.randint(-40, 40, (batch,), generator=seeded(seed))
    shifted = shift_in_time(values, shifts)
    assert torch.equal(shifted, rolled(values, shifts))
    assert torch.equal(shift_in_time(shifted, -shifts), values)


def test_features_and_labels_stay_aligned():
    labels = (torch.rand((6, 40, 3), generator=seeded()) > 0.5).to(torch.uint8)
    features = labels.float() * 7
    shifts = time_shifts(6, 16.0, seeded(), CPU)
    shifted = shift_in_time(labels, shifts)
    assert shifted.dtype == torch.uint8
    assert torch.equal(shift_in_time(features, shifts), shifted.float() * 7)
    whole = pool_labels(shift_in_time(labels, torch.full((6,), 8)), 4, "max")
    assert torch.equal(whole, shift_in_time(pool_labels(labels, 4, "max"), torch.full((6,), 2)))


def amplitudes(frames=4000, seed=0) -> torch.Tensor:
    """Mel amplitudes of one loud clip, in double precision (batch, frame, mel)."""
    return 5 + torch.rand((1, frames, MELS), generator=seeded(seed), dtype=torch.float64)


def noise(rectified=True, amplitude=0.25, heights=1.0) -> AmplitudeNoise:
    mean = torch.linspace(-3, 1, MELS, dtype=torch.float64)
    deviation = torch.linspace(0.5, 2, MELS, dtype=torch.float64)
    band = torch.full((MELS,), heights, dtype=torch.float64)
    return AmplitudeNoise(mean, deviation, OFFSET, band, amplitude, rectified)


def standardised(values: torch.Tensor, by: AmplitudeNoise) -> torch.Tensor:
    return ((values + OFFSET).log() - by.mean) / by.deviation


def added(by: AmplitudeNoise, values: torch.Tensor) -> torch.Tensor:
    """What the noise adds to amplitudes."""
    noisy = by(standardised(values, by), seeded())
    return torch.exp(noisy * by.deviation + by.mean) - OFFSET - values


def test_rectified_noise_raises_linear_amplitudes():
    difference = added(noise(), amplitudes())
    assert (difference > -1e-9).all()
    np.testing.assert_allclose(difference.mean(dim=(0, 1)), 0.25 * math.sqrt(2 / math.pi), rtol=0.05)
    np.testing.assert_allclose(difference.square().mean(dim=(0, 1)).sqrt(), 0.25, rtol=0.05)


def test_plain_noise_has_no_bias():
    difference = added(noise(rectified=False), amplitudes())
    assert difference.mean().abs() < 0.01
    np.testing.assert_allclose(difference.std(dim=(0, 1)), 0.25, rtol=0.05)


def test_rectified_noise_is_the_absolute_value_of_plain_noise():
    plain, rectified = (added(noise(rectified=which), amplitudes()) for which in (False, True))
    torch.testing.assert_close(rectified, plain.abs())


def test_noise_is_in_proportion_to_the_height_of_the_filters():
    torch.testing.assert_close(added(noise(heights=0.1), amplitudes()), 0.1 * added(noise(), amplitudes()))


def test_amplitudes_do_not_fall_below_zero():
    by = noise(rectified=False, amplitude=50.0)
    noisy = by(standardised(amplitudes(), by), seeded())
    assert torch.isfinite(noisy).all()
    floor = standardised(torch.zeros((1, 1, MELS), dtype=torch.float64), by)
    assert (noisy >= floor - 1e-12).all()
    assert (noisy <= floor + 1e-12).double().mean() > 0.3


def test_no_amplitude_noise_changes_nothing():
    by = noise(amplitude=0.0)
    features = standardised(amplitudes(), by)
    torch.testing.assert_close(by(features, seeded()), features)


def test_amplitude_noise_of_single_precision_stays_single_and_finite():
    by = AmplitudeNoise(torch.full((MELS,), -7.0), torch.full((MELS,), 3.0), OFFSET, torch.full((MELS,), 0.01))
    noisy = by(torch.full((2, 5, MELS), -0.7), seeded())
    assert noisy.dtype == torch.float32
    assert torch.isfinite(noisy).all()


@pytest.mark.parametrize("decibels", [0.0, 10.0, 30.0])
def test_snr_noise_lies_so_many_decibels_below_each_band_of_each_clip(decibels):
    scale = torch.tensor([[0.1, 1.0, 2.0, 5.0], [3.0, 0.5, 1.0, 0.2]], dtype=torch.float64)[:, None, :]
    features = scale * torch.randn((2, 8000, MELS), generator=seeded(1), dtype=torch.float64)
    difference = SnrNoise(decibels)(features, seeded(2)) - features
    ratio = features.square().mean(dim=1) / difference.square().mean(dim=1)
    np.testing.assert_allclose(10 * ratio.log10(), decibels, atol=0.3)
    assert difference.mean(dim=1).abs().max() < 0.3


def test_snr_noise_leaves_silent_bands_alone():
    features = torch.zeros((1, 30, MELS))
    assert torch.equal(SnrNoise()(features, seeded()), features)


def test_log_mel_noise_has_its_deviation_before_standardisation():
    deviation, features = torch.tensor([0.5, 1.0, 2.0, 4.0]), torch.zeros((2, 5000, MELS))
    difference = LogMelNoise(deviation, 0.15)(features, seeded()) * deviation
    np.testing.assert_allclose(difference.std(dim=(0, 1)), 0.15, rtol=0.05)
    assert difference.mean(dim=(0, 1)).abs().max() < 0.01


@pytest.mark.parametrize("by", [noise(), SnrNoise(), LogMelNoise(torch.ones(MELS))])
def test_noise_repeats_itself_by_its_generator_and_keeps_its_input(by):
    features = standardised(amplitudes(50), noise())
    kept = features.clone()
    first = by(features, seeded(1))
    assert first.shape == features.shape
    assert torch.equal(first, by(features, seeded(1)))
    assert not torch.equal(first, by(features, seeded(2)))
    assert torch.equal(features, kept)


def test_heights_are_the_peaks_of_the_mel_filters():
    front_end = FrontEnd(
        sample_rate=44100,
        clip_seconds=10,
        window="hamming",
        window_symmetric=True,
        window_length=2048,
        hop_length=511,
        centred=True,
        spectrum="magnitude",
        scale_by_window=False,
        n_mels=64,
        fmin=0,
        fmax=22050,
        log_offset=1e-5,
    )
    # So fine a spectrum that some bin is near every peak.
    peaks = mel_filters(44100, 2**17, 64, 0, 22050).max(axis=1)
    np.testing.assert_allclose(filter_heights(front_end), peaks, rtol=0.01)
