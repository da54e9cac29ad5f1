import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from sedrepro.predictions import ranking
from sedrepro.predictions.ranking import Ranking

few = settings(deadline=None, max_examples=60)
# Few different scores: most of them are tied with others.
items = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(0, 3)), min_size=1, max_size=30
)


@few
@given(items, st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_weighted_values_are_scikit_learns(found, weights):
    targets, scores, clip = (np.array(part) for part in zip(*found, strict=True))
    weight = np.array(weights, float)[clip]
    assume(weight[targets].sum() > 0 and weight[~targets].sum() > 0)
    precision, area = Ranking(targets, scores, clip).metrics(np.array([weights], float))
    assert precision[0] == pytest.approx(average_precision_score(targets, scores, sample_weight=weight))
    assert area[0] == pytest.approx(roc_auc_score(targets, scores, sample_weight=weight))


def test_without_positives_or_negatives_there_is_no_value():
    scores, clip = np.array([0.1, 0.9]), np.array([0, 1])
    whole = np.ones((1, 2))
    precision, area = Ranking(np.array([False, False]), scores, clip).metrics(whole)
    assert np.isnan(precision[0]) and np.isnan(area[0])
    precision, area = Ranking(np.array([True, True]), scores, clip).metrics(whole)
    assert precision[0] == 1 and np.isnan(area[0])


def test_many_weightings_in_parts_are_as_at_once(monkeypatch):
    random = np.random.default_rng(0)
    one = Ranking(random.random(50) < 0.4, random.random(50).round(1), np.arange(50) // 2)
    weights = random.integers(0, 3, (20, 25)).astype(float)
    whole = one.metrics(weights)
    monkeypatch.setattr(ranking, "AT_ONCE", 100)
    for expected, found in zip(whole, one.metrics(weights), strict=True):
        np.testing.assert_array_equal(found, expected)
