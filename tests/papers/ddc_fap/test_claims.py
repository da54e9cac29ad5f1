"""Claims of the DDC-FAP paper on what alpha has learned and on the number of parameters."""

import numpy as np
import pytest

from sedrepro.base.files import write_json
from sedrepro.experiments.metrics_files import RunMetrics, Split
from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.papers.ddc_fap import claims
from sedrepro.published.claims import read_claims
from sedrepro.reporting.claims.evidence import Evidence, figures_read

CLAIMS = read_claims(PAPERS_FOLDER / "ddc_fap" / "published" / "claims.csv")
CLASSES = ["Bark", "Gong", "Keys_jangling"]


def of(predicate, event_class=""):
    return next(claim for claim in CLAIMS if (claim.predicate, claim.event_class) == (predicate, event_class))


def looked_at(folder, predicate, event_class="", **arrays):
    """What a predicate says where Figure 4 has stored these arrays."""
    if arrays:
        np.savez(folder / "figure4.npz", **arrays)
        write_json(folder / "figure4.json", {"scale": "full"})
    evidence = Evidence({}, {}, "full", lambda metric: 3, figures=folder)
    return getattr(claims, predicate)(of(predicate, event_class), evidence)


@pytest.mark.parametrize(
    ("five", "ten", "outcome"),
    [
        ([0.9, 0.95, 0.92], [0.8, 0.85, 0.9], "holds"),
        ([0.9, 0.95, 0.92], [0.1, 0.15, 0.12], "fails"),
        ([0.9, 0.95, 0.92], [0.4, 0.5, 0.7], "undecided"),
        ([0.9, 0.9], [0.8, 0.8], "undecided"),
    ],
)
def test_alpha_is_small_in_most_cases_at_both_bounds_above(tmp_path, five, ten, outcome):
    shares = [*five, *ten]
    alpha = np.full((len(shares) + 1, 10, 10), 4.0)
    for run, share in zip(alpha, shares, strict=False):
        run.ravel()[: round(100 * share)] = 1
    bounds = np.array([5.0] * len(five) + [10.0] * len(ten) + [3.0])
    found = looked_at(tmp_path, "alpha_is_mostly_small", alpha=alpha, alpha_max=bounds)
    assert (found.outcome, found.runs) == (outcome, len(five))
    assert "bound 3" not in found.ours  # there it could not be otherwise


def bands(*places):
    """alpha (class, mel) of 21 bands with a bump at each class's place."""
    return np.stack([1 + 9 * (np.arange(21) == place) for place in places]).astype(float)


@pytest.mark.parametrize(("event_class", "high"), [("Keys_jangling", True), ("Bark", False)])
def test_alpha_of_a_class_lies_where_its_energy_is(tmp_path, event_class, high):
    place = CLASSES.index(event_class)

    def said(*own):
        alpha = np.stack([bands(*(one if k == place else 10 for k in range(3))) for one in own])
        return looked_at(
            tmp_path, "alpha_lies_apart", event_class,
            alpha=alpha, alpha_max=np.full(len(own), 10.0), classes=np.array(CLASSES),
        )  # fmt: skip

    apart, near = (17, 18, 19), (10, 10, 10)
    if not high:
        apart = tuple(20 - one for one in apart)
    assert said(*apart).outcome == "holds"
    assert said(*(20 - one for one in apart)).outcome == "fails"
    assert said(*near).outcome == said(*apart[:2]).outcome == "undecided"


def test_only_the_largest_bound_counts(tmp_path):
    alpha = np.stack([bands(2, 10, 18), bands(18, 10, 2), bands(18, 10, 2)])
    arrays = {"alpha": alpha, "alpha_max": np.array([10.0, 3.0, 5.0]), "classes": np.array(CLASSES)}
    assert "(1)" in looked_at(tmp_path, "alpha_lies_apart", "Bark", **arrays).ours


@pytest.mark.parametrize(("predicate", "event_class"), [("alpha_is_mostly_small", ""), ("alpha_lies_apart", "Bark")])
def test_without_the_figure_nothing_can_be_said(tmp_path, predicate, event_class):
    found = looked_at(tmp_path, predicate, event_class)
    assert found.outcome == "cannot be tested" and "figure4" in found.ours
    assert figures_read(getattr(claims, predicate)) == ("figure4",)


def test_a_class_that_the_corpus_lacks_cannot_be_looked_at(tmp_path):
    arrays = {"alpha": bands(1, 2)[None], "alpha_max": np.array([10.0]), "classes": np.array(["Bus", "Gong"])}
    assert looked_at(tmp_path, "alpha_lies_apart", "Bark", **arrays).outcome == "cannot be tested"


def counted(**parameters):
    split = Split(clips=4, metrics={"macro_ap": 0.5}, class_metrics={}, classes_without_events=[], detections={})
    runs = {
        (system, "remix_0db"): [
            RunMetrics(
                paper="ddc_fap", system=system, variant="remix_0db", fold=1, seed=1, scale="full", clips=4,
                clips_expected=4, classes=CLASSES, splits={"development": split}, data={}, parameters=count,
            )
        ]
        for system, count in parameters.items()
    }  # fmt: skip
    labels = dict.fromkeys(of("parameters_decrease_to").compared, "a system") | {one: one for one in parameters}
    return claims.parameters_decrease_to(of("parameters_decrease_to"), Evidence(runs, labels, "full", lambda metric: 0))


def test_the_counted_networks_have_the_printed_share_of_the_parameters():
    vgg, ddc, auto, bands_of_fap = 587_593, 288_361, 41, 41 * 64
    found = counted(
        vgg_gwrp=vgg, ddc_gwrp=ddc, vgg_ap=vgg + auto, ddc_ap=ddc + auto,
        vgg_fap=vgg + bands_of_fap, ddc_fap=ddc + bands_of_fap,
    )  # fmt: skip
    assert found.outcome == "holds"
    assert "ddc_gwrp 49.1% of vgg_gwrp" in found.ours


def test_another_share_fails_and_without_a_run_it_cannot_be_tested():
    assert counted(vgg_gwrp=100, ddc_gwrp=51).outcome == "fails"
    assert counted(vgg_gwrp=100).outcome == "cannot be tested"
