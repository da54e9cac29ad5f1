"""What stored figures say of n and of confidence."""

import numpy as np
import pytest

from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.papers.c_ssed import claims
from sedrepro.papers.c_ssed.figures import BINS, FEWEST
from sedrepro.published.claims import read_claims
from sedrepro.reporting.claims.evidence import Evidence

ALL = read_claims(PAPERS_FOLDER / "c_ssed" / "published" / "claims.csv")
CLAIMS = {claim.predicate: claim for claim in ALL}


FIGURES = {"n": "figure2", "penalty": "figure3a"}


def tried(predicate, folder, **arrays):
    if arrays:
        figure = next((figure for name, figure in FIGURES.items() if name in arrays), "figure3b")
        np.savez(folder / f"{figure}.npz", **arrays)
        (folder / f"{figure}.json").write_text('{"scale": "full"}')
    evidence = Evidence({}, {}, "full", lambda metric: 2, figures=folder)
    return getattr(claims, predicate)(CLAIMS[predicate], evidence)


def curves(*ends, starts=(0, 1.2), epochs=40, rate=0.5):
    """Curves of n from starts to ends, the rest of the way shrinking by `rate` an epoch."""
    ways = [end + (start - end) * (1 - rate) ** np.arange(epochs + 1) for start, end in zip(starts, ends, strict=True)]
    return np.stack(ways)


def beside(n, end, rate=0.5):
    """With a curve from 10 that goes to another end."""
    return np.concatenate([n, curves(end, starts=(10,), rate=rate)])


TOGETHER = curves(0.7, 0.7)


@pytest.mark.parametrize(
    ("n", "outcome"),
    [
        (TOGETHER, "holds"),
        (curves(0.5, 0.5), "holds"),  # whatever the value is
        (curves(0.66, 0.74), "holds"),
        (curves(0.7, 1.4), "fails"),
        (curves(0.7, 0.7, rate=0.01), "undecided"),  # still on its way
        (curves(0.7, 0.7, epochs=1), "undecided"),
        (np.pad(TOGETHER, ((0, 0), (0, 5)), constant_values=np.nan), "holds"),
        (np.pad(beside(TOGETHER, 0.7), ((0, 0), (0, 5)), constant_values=np.nan), "holds"),
        (beside(TOGETHER, 0.72), "holds"),
        (beside(TOGETHER, 0.7, rate=0.03), "undecided"),  # slow, as the text says of 10
        (beside(TOGETHER, 8), "fails"),  # rests elsewhere
        (beside(curves(0.7, 1.4), 0.7), "fails"),
    ],
)
def test_n_ends_at_one_value_from_every_start(tmp_path, n, outcome):
    found = tried("n_ends_at_one_value", tmp_path, n=n)
    assert found.outcome == outcome
    assert found.runs == 1 and "one run per start" in found.ours


@pytest.mark.parametrize(
    ("n", "outcome"),
    [
        (TOGETHER, "holds"),
        (curves(0.66, 0.74), "holds"),
        (curves(0.5, 0.5), "fails"),
        (curves(0.7, 1.4), "fails"),
        (curves(0.7, 0.7, rate=0.01), "undecided"),
        (beside(TOGETHER, 8), "holds"),  # the start that is not recommended does not count
        (beside(curves(0.5, 0.5), 0.7), "fails"),
    ],
)
def test_n_ends_at_the_printed_value(tmp_path, n, outcome):
    found = tried("n_ends_at_printed_value", tmp_path, n=n)
    assert found.outcome == outcome and "printed 0.7" in found.ours


def test_runs_of_a_start_are_averaged_and_counted(tmp_path):
    n = curves(0.68, 0.7, 0.72, 0.7, starts=(0, 1.2, 0, 1.2))
    found = tried("n_ends_at_one_value", tmp_path, n=n)
    assert (found.outcome, found.runs) == ("holds", 2)
    assert found.ours == "n goes from 0 to 0.70, 1.2 to 0.70, 2 runs per start"


def bins(accuracy, frames=10 * FEWEST):
    """Counts (3, bin): frames, correct ones and the sum of confidence, at the middles of the bins."""
    middles = (np.arange(BINS) + 0.5) / BINS
    frames = np.broadcast_to(frames, BINS)
    return np.stack([frames, frames * accuracy, frames * middles])


RISING = np.linspace(0.2, 0.9, BINS)
MIDDLES = (np.arange(BINS) + 0.5) / BINS


@pytest.mark.parametrize(
    ("confidence", "outcome"),
    [
        ([bins(RISING)], "holds"),
        ([bins(RISING), bins(RISING**3)], "holds"),  # proportional or not is not asked
        ([bins(RISING), bins(RISING[::-1])], "fails"),
        ([bins(RISING), bins(np.tile([0.4, 0.6], BINS // 2))], "undecided"),
        ([bins(RISING, frames=FEWEST // 10)], "undecided"),
        ([bins(np.full(BINS, 0.5))], "undecided"),
    ],
)
def test_accuracy_rises_with_confidence_for_every_lambda(tmp_path, confidence, outcome):
    penalty = np.array([0.01, 0.1])[: len(confidence)]
    found = tried("accuracy_rises_with_confidence", tmp_path, confidence=np.stack(confidence), penalty=penalty)
    assert found.outcome == outcome and "one run per lambda" in found.ours


def test_lambdas_beyond_the_printed_range_do_not_count(tmp_path):
    counts = np.stack([bins(RISING[::-1]), bins(RISING), bins(RISING), bins(RISING[::-1])])
    penalty = np.array([0.003, 0.01, 0.1, 0.3])
    assert tried("accuracy_rises_with_confidence", tmp_path, confidence=counts, penalty=penalty).outcome == "holds"
    found = tried("accuracy_rises_with_confidence", tmp_path, confidence=counts[:1], penalty=penalty[:1])
    assert found.outcome == "cannot be tested"


def test_bins_of_few_frames_are_no_points_of_their_own(tmp_path):
    frames = np.full(BINS, 10 * FEWEST)
    frames[10:] = 1
    accuracy = np.concatenate([RISING[:10], np.zeros(BINS - 10)])
    counts = np.stack([bins(accuracy, frames)])
    found = tried("accuracy_rises_with_confidence", tmp_path, confidence=counts, penalty=np.array([0.03]))
    assert found.outcome == "holds"


@pytest.mark.parametrize(
    ("accuracies", "penalty", "outcome"),
    [
        ((MIDDLES + 0.1, MIDDLES, MIDDLES - 0.02), (0.01, 0.03, 0.1), "holds"),
        ((MIDDLES, MIDDLES + 0.1, MIDDLES - 0.02), (0.01, 0.03, 0.1), "fails"),
        ((MIDDLES, MIDDLES + 0.01, MIDDLES - 0.02), (0.3, 0.03, 0.1), "holds"),  # 0.3 is ours
        ((MIDDLES,), (0.03,), "undecided"),
        ((MIDDLES, MIDDLES), (0.01, 0.1), "undecided"),
    ],
)
def test_the_best_lambda_is_nearest_to_the_diagonal(tmp_path, accuracies, penalty, outcome):
    counts = np.stack([bins(accuracy) for accuracy in accuracies])
    assert tried("best_lambda", tmp_path, confidence=counts, penalty=np.array(penalty)).outcome == outcome


def test_a_curve_of_few_points_is_not_the_best(tmp_path):
    gathered = bins(MIDDLES)
    gathered[:, : BINS - claims.FEWEST_POINTS + 1] = 0
    counts, penalty = np.stack([gathered, bins(MIDDLES + 0.02)]), np.array([0.1, 0.03])
    assert tried("best_lambda", tmp_path, confidence=counts, penalty=penalty).outcome == "undecided"
    counts, penalty = np.stack([*counts, bins(MIDDLES - 0.1)]), np.array([0.1, 0.03, 0.01])
    assert tried("best_lambda", tmp_path, confidence=counts, penalty=penalty).outcome == "holds"


def test_five_points_in_order_are_the_fewest_that_decide():
    few = bins(RISING)
    few[:, claims.FEWEST_POINTS :] = 0
    assert claims.rises(few)[1] == "holds"
    few[:, claims.FEWEST_POINTS - 1] = 0
    assert claims.rises(few)[1] == "undecided"


@pytest.mark.parametrize(("accuracy", "outcome"), [(RISING, "holds"), (RISING[::-1], "fails"), (0.5, "undecided")])
def test_accuracy_of_positives_rises_with_their_confidence(tmp_path, accuracy, outcome):
    found = tried("positives_accuracy_rises_with_confidence", tmp_path, confidence=bins(accuracy)[None])
    assert found.outcome == outcome and found.runs == 1


def of_positives(*halves):
    """Bins of probabilities of at least 0.5, whose accuracy goes from one value to the other in each half of them."""
    accuracy = (np.linspace(*ends, BINS // 4) for ends in halves)
    counts = bins(np.concatenate([np.zeros(BINS // 2), *accuracy]))
    counts[:, : BINS // 2] = 0
    return counts


@pytest.mark.parametrize(
    ("probability", "outcome"),
    [
        (of_positives((0.9, 0.5), (0.49, 0.45)), "holds"),
        (of_positives((0.9, 0.5), (0.51, 0.55)), "holds"),
        (of_positives((0.9, 0.82), (0.7, 0.3)), "fails"),  # does not flatten
        (of_positives((0.4, 0.6), (0.6, 0.8)), "fails"),  # rises
        (of_positives((0.5, 0.5), (0.5, 0.5)), "undecided"),
    ],
)
def test_accuracy_of_positives_falls_and_then_flattens(tmp_path, probability, outcome):
    assert tried("accuracy_falls_then_flattens", tmp_path, probability=probability[None]).outcome == outcome


def share_in(low, high, inside, outside):
    frames = np.where((low < MIDDLES) & (high > MIDDLES), inside, outside)
    return bins(0.5, frames)


@pytest.mark.parametrize(
    ("predicate", "name", "low", "high"),
    [
        ("positives_have_low_confidence", "confidence", 0, 0.1),
        ("positives_have_high_probability", "probability", 0.9, 1),
    ],
)
def test_most_positives_lie_where_the_text_says(tmp_path, predicate, name, low, high):
    found = tried(predicate, tmp_path, **{name: share_in(low, high, 1800, 100)[None]})
    assert found.outcome == "holds" and found.ours.startswith("67% of the positives")
    assert tried(predicate, tmp_path, **{name: share_in(low, high, 800, 100)[None]}).outcome == "fails"
    assert tried(predicate, tmp_path, **{name: np.zeros((2, 3, BINS))}).outcome == "cannot be tested"


def test_true_negatives_weigh_07_where_their_probability_is_small(tmp_path):
    frames = np.where(MIDDLES < 0.16, 900, np.where(MIDDLES < 0.5, 100, 0))
    found = tried("true_negatives_weigh_as_printed", tmp_path, negative=bins(0.9, frames)[None])
    assert found.outcome == "holds" and found.ours.startswith("81% of the true negatives within 0.05 of 0.7")
    frames = np.where(MIDDLES < 0.16, 100, np.where(MIDDLES < 0.5, 900, 0))
    assert tried("true_negatives_weigh_as_printed", tmp_path, negative=bins(0.9, frames)[None]).outcome == "fails"
    assert tried("true_negatives_weigh_as_printed", tmp_path, negative=bins(0.0)[None]).outcome == "cannot be tested"


def of_runs(*accuracies):
    """Counts (run, 3, bin) of runs of these accuracies."""
    return np.stack([bins(accuracy) for accuracy in accuracies])


#: Rises but for every fifth, sixth or seventh bin, so that the rank correlations of runs differ.
UNEVEN = [np.where(np.arange(BINS) % (5 + run) == 0, RISING[::-1], RISING) for run in range(3)]


@pytest.mark.parametrize(
    ("accuracies", "outcome"),
    [
        (UNEVEN, "holds"),
        ([each[::-1] for each in UNEVEN], "fails"),
        ([UNEVEN[0], UNEVEN[1][::-1], UNEVEN[2]], "undecided"),  # runs disagree, though each is decided by itself
    ],
)
def test_three_runs_are_tested_over_the_runs(tmp_path, accuracies, outcome):
    counts = of_runs(*accuracies)
    found = tried("positives_accuracy_rises_with_confidence", tmp_path, confidence=counts)
    assert (found.outcome, found.runs) == (outcome, 3) and found.ours.endswith("(3)")
    lambdas = np.repeat([0.01, 0.1], 3)
    counts = np.concatenate([counts, of_runs(*UNEVEN)])
    found = tried("accuracy_rises_with_confidence", tmp_path, confidence=counts, penalty=lambdas)
    assert (found.outcome, found.runs) == (outcome, 3) and "3 runs per lambda" in found.ours


@pytest.mark.parametrize(
    ("off", "outcome"),
    [((0.1, 0.12, 0.11), "holds"), ((0.01, 0.012, 0.011), "fails"), ((0.01, 0.12, 0.05), "undecided")],
)
def test_lambdas_are_compared_run_by_run(tmp_path, off, outcome):
    best = of_runs(*(MIDDLES - extra for extra in (0.05, 0.052, 0.048)))
    others = of_runs(*(MIDDLES - extra for extra in off))
    penalty = np.repeat([0.03, 0.1], 3)
    found = tried("best_lambda", tmp_path, confidence=np.concatenate([best, others]), penalty=penalty)
    assert (found.outcome, found.runs) == (outcome, 3)


@pytest.mark.parametrize(("inside", "outcome"), [((1800, 1900, 1700), "holds"), ((1800, 100, 1000), "undecided")])
def test_shares_are_tested_over_the_runs(tmp_path, inside, outcome):
    counts = np.stack([share_in(0, 0.1, one, 100) for one in inside])
    found = tried("positives_have_low_confidence", tmp_path, confidence=counts)
    assert (found.outcome, found.runs) == (outcome, 3)


@pytest.mark.parametrize("predicate", [name for name in CLAIMS if hasattr(claims, name)])
def test_without_its_figure_a_claim_cannot_be_tested(tmp_path, predicate):
    found = tried(predicate, tmp_path)
    assert found.outcome == "cannot be tested" and "is not stored yet" in found.ours


def test_gains_are_the_relative_changes_of_the_text():
    said = {(claim.systems[0], claim.others[0], claim.split) for claim in ALL if claim.kind == "change"}
    assert said == {
        *(("power", other, "validation") for other in ("attention", "auto", "linear")),
        *(("c_ssed_0.1_0.3", "mt18@dcase2019_mt18", split) for split in ("eval2018", "validation")),
    }
