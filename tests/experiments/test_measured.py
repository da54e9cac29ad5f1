"""Which of the measurements stands for a run."""

import pytest

from sedrepro.experiments.devices import KNOWN, REFERENCE, REFERENCE_CORE
from sedrepro.experiments.measured import Measured, nearest, shipped
from sedrepro.experiments.papers import paper_names

ASKED = ("a paper", "asked", "crnn", "dcase", 100.0)


def row(name, network="crnn", corpus="dcase", system="asked", gflop=100.0, paper="a paper") -> Measured:
    return Measured(
        device=name, paper=paper, system=system, network=network, corpus=corpus, tf32=False, gflop_per_step=gflop,
        ms_per_step=1.0, activations_mib=1, held_mib=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"gflop": 9000, "corpus": "other", "system": "other"}, {"network": "other"}),
        ({"corpus": "other", "system": "other"}, {"gflop": 301}),
        ({"gflop": 299, "system": "other"}, {"corpus": "other"}),
        ({"gflop": 34}, {"system": "other"}),
        ({"gflop": 100}, {"gflop": 90}),
        ({"gflop": 1000}, {"gflop": 5000}),
        ({"gflop": 1}, {"gflop": 0}),
    ],
)
def test_the_most_similar_run_counts(better, worse):
    rows = [row("better", **better), row("worse", **worse)]
    for order in (rows, rows[::-1]):
        assert nearest(order, *ASKED).device == "better"


def test_other_papers_tell_nothing():
    assert nearest([row("x", paper="another")], *ASKED) is None


def test_the_record_has_every_paper_on_a_gpu_and_on_a_core_and_those_alone():
    for device in (REFERENCE.name, REFERENCE_CORE):
        assert {found.paper for found in shipped(device)} == set(paper_names())
        assert {found.device for found in shipped(device)} == {device}
    assert not shipped(KNOWN["t4"].name)
