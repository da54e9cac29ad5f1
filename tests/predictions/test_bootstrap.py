import numpy as np
import pytest

from sedrepro.predictions.bootstrap import drawn, interval, two_sided


def test_each_group_is_drawn_from_by_itself_as_often_as_it_has_clips():
    groups = [np.array([0, 2]), np.array([1, 3, 4])]
    samples = drawn(groups, 5, 200)
    assert samples.shape == (200, 5)
    for rows in groups:
        assert (samples[:, rows].sum(axis=1) == len(rows)).all()
    np.testing.assert_array_equal(samples, drawn(groups, 5, 200))


def test_the_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(1).normal(size=400)
    means = drawn([np.arange(400)], 400, 4000) @ values / 400
    low, high = interval(means)
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_an_interval_needs_values_in_half_of_the_resamples():
    assert interval(np.array([np.nan, np.nan, np.nan, 1.0])) is None
    assert interval(np.array([np.nan, 1.0, 1.0, 1.0])) == (1, 1)


def test_p_counts_resamples_on_either_side_of_no_difference():
    assert two_sided(np.array([1.0] * 99 + [-1.0])) == pytest.approx(0.02)
    assert two_sided(np.zeros(10)) == 1
    assert two_sided(np.ones(100)) == pytest.approx(0.01)
    assert two_sided(np.array([np.nan])) is None
