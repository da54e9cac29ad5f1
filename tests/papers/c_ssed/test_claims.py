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


def tried(predicate, folder, **arrays):
    if arrays:
        figure = "figure2" if "n" in arrays else "figure3a"
        np.savez(folder / f"{figure}.npz", **arrays)
        (folder / f"{figure}.json").write_text('{"scale": "full"}')
    evidence = Evidence({}, {}, "full", lambda metric: 2, figures=folder)
    return getattr(claims, predicate)(CLAIMS[predicate], evidence)


def curves(*ends, starts=(0, 10), epochs=40, rate=0.5):
    """Curves of n from starts to ends, the rest of the way shrinking by `rate` an epoch."""
    ways = [end + (start - end) * (1 - rate) ** np.arange(epochs + 1) for start, end in zip(starts, ends, strict=True)]
    return np.stack(ways)


@pytest.mark.parametrize(
    ("n", "outcome"),
    [
        (curves(0.7, 0.7), "holds"),
        (curves(0.66, 0.74), "holds"),
        (curves(0.5, 0.5), "fails"),  # at one value, but another
        (curves(0.7, 1.4), "fails"),
        (curves(0.7, 0.7, rate=0.01), "undecided"),  # still on its way
        (curves(0.7, 0.7, epochs=1), "undecided"),
        (np.pad(curves(0.7, 0.7), ((0, 0), (0, 5)), constant_values=np.nan), "holds"),
    ],
)
def test_n_ends_at_the_printed_value_from_every_start(tmp_path, n, outcome):
    found = tried("n_ends_at_printed_value", tmp_path, n=n)
    assert found.outcome == outcome
    assert found.runs == 1 and "one run per start; printed 0.7" in found.ours


def bins(accuracy, frames=10 * FEWEST):
    """Counts (3, bin): frames, correct ones and the sum of confidence, at the middles of the bins."""
    middles = (np.arange(BINS) + 0.5) / BINS
    frames = np.broadcast_to(frames, BINS)
    return np.stack([frames, frames * accuracy, frames * middles])


RISING = np.linspace(0.2, 0.9, BINS)


@pytest.mark.parametrize(
    ("confidence", "outcome"),
    [
        ([bins(RISING)], "holds"),
        ([bins(RISING), bins(RISING**3)], "holds"),  # proportional or not is not asked
        ([bins(RISING), bins(RISING[::-1])], "fails"),
        ([bins(RISING), bins(np.tile([0.4, 0.6], BINS // 2))], "undecided"),
        ([bins(RISING, frames=FEWEST - 1)], "undecided"),
        ([bins(np.full(BINS, 0.5))], "undecided"),
    ],
)
def test_accuracy_rises_with_confidence_for_every_lambda(tmp_path, confidence, outcome):
    found = tried("accuracy_rises_with_confidence", tmp_path, confidence=np.stack(confidence))
    assert found.outcome == outcome and "one run per lambda" in found.ours


def test_bins_of_few_frames_do_not_count(tmp_path):
    frames = np.full(BINS, 10 * FEWEST)
    frames[10:] = FEWEST - 1
    accuracy = np.concatenate([RISING[:10], RISING[:10][::-1] / 10])
    found = tried("accuracy_rises_with_confidence", tmp_path, confidence=np.stack([bins(accuracy, frames)]))
    assert found.outcome == "holds"


@pytest.mark.parametrize("predicate", ["n_ends_at_printed_value", "accuracy_rises_with_confidence"])
def test_without_its_figure_a_claim_cannot_be_tested(tmp_path, predicate):
    found = tried(predicate, tmp_path)
    assert found.outcome == "cannot be tested" and "is not stored yet" in found.ours


def test_five_points_in_order_are_the_fewest_that_decide():
    few = bins(RISING)
    few[:, claims.FEWEST_POINTS :] = 0
    assert claims._rises(few)[1] == "holds"
    few[:, claims.FEWEST_POINTS - 1] = 0
    assert claims._rises(few)[1] == "undecided"


def test_gains_are_the_relative_changes_of_the_text():
    said = {(claim.systems[0], claim.others[0], claim.split) for claim in ALL if claim.kind == "change"}
    assert said == {
        *(("power", other, "validation") for other in ("attention", "auto", "linear")),
        *(("c_ssed_0.1_0.3", "mt18@dcase2019_mt18", split) for split in ("eval2018", "validation")),
    }
