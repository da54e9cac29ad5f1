"""The claims of all papers are there, name what exists, and what is said of their support follows from the tables."""

from decimal import Decimal
from itertools import chain

import pytest

from sedrepro.corpora.settings import Remix
from sedrepro.data_sets import data_set
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.published.claims import KINDS, read_claims
from sedrepro.published.needs import cells_file, printed_numbers
from sedrepro.published.verdict import METRICS
from sedrepro.reporting.claims.registry import claim_figures, predicate_of
from sedrepro.reporting.tables.tidy import NOTE_SEPARATOR

CONFIG = make_config({"scale": "full", "folds": [1], "seeds": [1], "data_root": "."}, "test")
NAMES = ("c_ssed", "ddc_fap", "hierarchical_pooling", "joint_at_aed", "two_step_attention")
PAPERS = {name: load_paper(name, CONFIG) for name in NAMES}
CLAIMS = {name: read_claims(cells_file(paper, "claims")) for name, paper in PAPERS.items()}
ALL = [(name, claim) for name, claims in CLAIMS.items() for claim in claims]


def numbered(stem, last, first=1):
    return [f"{stem}{number}" for number in range(first, last + 1)]


#: Every claim that was found in a paper's text or tables, `C` and `I` (identities of a table), and the sentences on an
#: order of systems beside them, `O`.
IDS = {
    "c_ssed": [
        *numbered("000-C1.", 3),
        *numbered("000-C", 10, 2),
        "000-O1",
        *numbered("000-O2.", 2),
        *numbered("000-O3.", 2),
        *numbered("000-O", 8, 4),
        *numbered("000-O9.", 5),
    ],
    "hierarchical_pooling": [
        *numbered("001-C1.", 12),
        *numbered("001-C", 7, 2),
        *numbered("001-O1.", 2),
        *numbered("001-O", 4, 2),
        *(f"001-I.{s}.{p}.{t}" for s in ("dev", "eva") for p in ("Linear", "Exp", "Att") for t in ("sing", "hier")),
    ],
    "ddc_fap": [*numbered("002-C", 4), *numbered("002-O", 25)],
    "joint_at_aed": [
        *(f"003-C{claim}.{metric}" for claim in (1, 2) for metric in (1, 2, 3)),
        *numbered("003-C", 7, 3),
        *numbered("003-C8.", 4),
        *numbered("003-C", 11, 9),
        *numbered("003-O", 4),
    ],
    "two_step_attention": [
        *(f"004-C{claim}.{snr}" for claim in (1, 2, 3) for snr in (20, 10, 0)),
        *numbered("004-C", 11, 4),
    ],
}
ROWS = {"c_ssed": 50, "ddc_fap": 58, "hierarchical_pooling": 48, "joint_at_aed": 82, "two_step_attention": 48}


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_is_there(name):
    assert {claim.id for claim in CLAIMS[name]} == set(IDS[name])
    assert len(CLAIMS[name]) == ROWS[name]


def test_there_are_claims_of_every_kind():
    assert {claim.kind for _, claim in ALL} == set(KINDS)
    assert len(set(chain.from_iterable(IDS.values()))) == 130


@pytest.mark.parametrize("name", NAMES)
def test_claims_name_systems_corpora_splits_and_detections_of_the_paper(name):
    settings = PAPERS[name].settings
    for claim in CLAIMS[name]:
        for side in map(claim.contender, claim.compared):
            if side.printed is not None:
                continue
            PAPERS[name].run(side.system, side.variant)
            corpus = settings.corpus_of(side.variant)[0]
            assert not side.detection or side.detection in settings.detection_of(corpus)
            assert not claim.event_class or claim.event_class in settings.classes_of(corpus)
            assert not claim.split or claim.split in held_out(settings.corpora[corpus])
        assert not claim.metric or claim.metric in METRICS


def held_out(corpus):
    if isinstance(corpus, Remix):
        return ()
    return {*corpus.held_out, *corpus.subsets}


@pytest.mark.parametrize("name", NAMES)
def test_claims_name_predicates_and_figures_that_exist(name):
    untested = [claim for claim in CLAIMS[name] if predicate_of(claim, name) is None]
    assert all(claim.note for claim in untested)
    assert set(claim_figures(CLAIMS[name], name)) <= set(PAPERS[name].settings.figures)


def test_hardly_any_claim_is_left_untested():
    untested = [claim.id for name, claim in ALL if predicate_of(claim, name) is None]
    assert untested == ["002-O20", "003-O2", "003-C3", "003-C10", "004-C9"]


def test_notes_hold_no_separator_of_notes():
    for _, claim in ALL:
        assert NOTE_SEPARATOR not in claim.note


# --- what the printed tables say


PRINTED = {name: printed_numbers(paper) for name, paper in PAPERS.items()}


def printed(name, claim, side):
    one = claim.contender(side)
    if one.printed is not None:
        return Decimal(str(one.printed))
    key = (one.system, one.variant, claim.split, one.detection, claim.event_class, claim.metric)
    return PRINTED[name].get(key)


def printed_pairs(name, claim):
    pairs = [[printed(name, claim, side) for side in pair] for pair in claim.pairs]
    return [pair for pair in pairs if None not in pair]


def test_support_of_orders_follows_from_the_printed_numbers():
    checked = 0
    for name, claim in ALL:
        pairs = printed_pairs(name, claim)
        if claim.kind not in ("order", "between detections") or claim.predicate or not pairs:
            continue
        if claim.direction == "comparable":
            continue
        right = [claim.sign * (ahead - other) > 0 for ahead, other in pairs]
        assert claim.support == ("yes" if all(right) else "partly" if any(right) else "no"), (claim.id, claim.claim)
        checked += 1
    assert checked > 90


#: The print follows from the tables, but only for one reading of its words.
ONE_READING = "000-C4"
#: 11.89 %, printed as 11.8.
CUT_OFF = "001-C1.8"


def test_support_of_changes_and_gains_follows_from_the_printed_numbers():
    checked = set()
    for name, claim in ALL:
        if claim.kind not in ("change", "absolute") or not printed_pairs(name, claim):
            continue
        number = Decimal(claim.printed.rstrip("%")) / 100
        half = Decimal((0, (5,), number.as_tuple().exponent - 1))
        for ahead, other in printed_pairs(name, claim):
            gain = claim.sign * (ahead - other) / (other if claim.kind == "change" else 1)
            fits = abs(gain - number) <= half
            assert claim.support == ("no" if not fits else "partly" if claim.id == ONE_READING else "yes"), claim.id
        checked.add(claim.id)
    assert len(checked) == 3 + 1 + 12 + 6 + 9
    assert [claim.id for _, claim in ALL if claim.support == "no" and claim.kind in ("change", "absolute")] == [CUT_OFF]


def test_support_of_values_follows_from_the_printed_numbers():
    values = [(name, claim) for name, claim in ALL if claim.kind == "value" and claim.metric]
    assert len(values) == 9
    twice = (("pts_tfd_afl", "dcase2019", "public", "average", "", metric) for metric in ("clip_f1", "tagging_f1"))
    overall = PRINTED["joint_at_aed"] | dict.fromkeys(twice)
    for name, claim in values:
        one = claim.contender(claim.systems[0])
        cell = overall[(one.system, one.variant, claim.split, one.detection, "", claim.metric)]
        if cell is not None:  # printed twice, as 78.1 and as 78.0
            assert (cell == Decimal(claim.printed.rstrip("%")) / 100) == (claim.support == "yes")
        assert name == "joint_at_aed"


def test_support_of_segment_rates_follows_from_the_printed_numbers():
    identities = [claim for _, claim in ALL if claim.predicate == "segment_counts_agree"]
    assert len(identities) == 12
    for claim in identities:
        key = (claim.systems[0], claim.variant, claim.split, claim.detection, "")
        rate = {
            name: float(PRINTED["hierarchical_pooling"][(*key, f"segment_{name}")])
            for name in ("substitution_rate", "deletion_rate", "insertion_rate", "precision", "recall")
        }
        recall = 1 - rate["substitution_rate"] - rate["deletion_rate"]
        precision = recall / (recall + rate["substitution_rate"] + rate["insertion_rate"])
        assert f"Rec. {100 * recall:.1f} and Pre. {100 * precision:.1f}" in claim.support_reason
        # Each of the three rates is rounded by up to half a hundredth.
        fits = abs(recall - rate["recall"]) <= 0.0101 and abs(precision - rate["precision"]) <= 0.0101
        assert (claim.support == "yes") == fits, claim.id


def test_printed_error_rates_of_events_are_deletions_and_insertions():
    identities = [claim for _, claim in ALL if claim.predicate == "event_rates_add_up"]
    assert [len(claim.systems) for claim in identities] == [13, 13]
    for claim in identities:
        for side in map(claim.contender, claim.systems):
            rates = [
                PRINTED["c_ssed"][(side.system, side.variant, claim.split, "", "", f"event_{name}_rate")]
                for name in ("error", "deletion", "insertion")
            ]
            assert rates[0] == rates[1] + rates[2]


def test_claims_on_numbers_that_are_not_at_hand_say_so():
    for claim in CLAIMS["ddc_fap"]:
        assert (claim.support == "not printed") == (claim.id != "002-C2")


def test_the_class_of_each_claim_on_short_events_is_in_the_data_set():
    from sedrepro.papers.joint_at_aed.claims import SHORT

    assert set(SHORT) < set(data_set("dcase2019_task4").CLASSES)
