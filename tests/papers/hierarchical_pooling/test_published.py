"""The published numbers agree with each other and with the settings, and doubts stand where they do not."""

import itertools
import statistics

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import PAPERS_FOLDER, load_paper
from sedrepro.published.cells import read_cells, read_text_cells, runs_needed

PUBLISHED = PAPERS_FOLDER / "hierarchical_pooling" / "published"
NUMBERS = ("table2", "table3", "erratum", "detection", "variants")
CELLS = {table: read_cells(PUBLISHED / f"{table}.csv") for table in NUMBERS}
PARTS = ("substitution_rate", "deletion_rate", "insertion_rate")
MEASURED = (*PARTS, "error_rate", "precision", "recall", "f1")
SPLITS = {"Development": "testing", "Evaluation": "evaluation"}
SYSTEMS = {"Linear": "linear", "Exp.": "exponential", "Att.": "attention"}


@pytest.fixture(scope="module")
def paper():
    config = make_config({"scale": "full", "folds": [1], "seeds": [1], "data_root": PUBLISHED}, "test")
    return load_paper("hierarchical_pooling", config)


def row(split, system):
    """Cells of one structure in one row of Table 2, by metric."""
    of_row = [cell for cell in CELLS["table2"] if (cell.factors["split"], cell.system) == (split, system)]
    return {cell.metric.removeprefix("segment_"): cell for cell in of_row}


ROWS = list(dict.fromkeys((cell.factors["split"], cell.system) for cell in CELLS["table2"]))


def printed(split, system):
    """Printed values of one structure in one row of Table 2, in their unit."""
    return {metric: float(cell.published) for metric, cell in row(split, system).items()}


def implied(values, rounding=(0, 0, 0)):
    """Precision and recall in percent that follow from substitutions, deletions and insertions."""
    substitutions, deletions, insertions = (values[part] + shift for part, shift in zip(PARTS, rounding, strict=True))
    found = 1 - substitutions - deletions
    return 100 * found / (found + substitutions + insertions), 100 * found


def contradicts(values):
    """Whether precision or recall lies outside what the rates may be before rounding."""
    corners = [implied(values, shifts) for shifts in itertools.product((-0.005, 0.005), repeat=3)]
    bounds = [(min(of_metric), max(of_metric)) for of_metric in zip(*corners, strict=True)]
    pairs = zip((values["precision"], values["recall"]), bounds, strict=True)
    return any(not low - 0.005 <= value <= high + 0.005 for value, (low, high) in pairs)


def test_tables_have_the_papers_size():
    count = {table: (len(cells), sum(bool(c.published) for c in cells)) for table, cells in CELLS.items()}
    assert count == {
        "table2": (96, 96),
        "table3": (24, 20),
        "erratum": (13, 5),
        "detection": (28, 0),
        "variants": (32, 0),
    }
    assert len(read_text_cells(PUBLISHED / "table1.csv")) == 10


def test_every_cell_names_a_system_a_split_and_a_detection_of_the_settings(paper):
    corpus = paper.settings.corpora["dcase2017"]
    for cell in itertools.chain(*CELLS.values()):
        assert cell.factors["split"] in corpus.held_out
        if not cell.quoted:
            assert cell.system in paper.settings.systems
            assert paper.settings.corpus_of(cell.variant) == ("dcase2017", None)
            assert cell.factors["detection"] in paper.settings.detection


def test_every_system_is_shown(paper):
    shown = {system for cells in CELLS.values() for system, _ in runs_needed(cells)}
    assert shown == set(paper.settings.systems)


def test_notes_hold_no_separator_of_notes():
    for cell in itertools.chain(*CELLS.values()):
        assert "; " not in cell.note + cell.suspect


# --- Table 2


def test_rows_of_table_2_name_the_split_and_system_that_they_print():
    assert len(ROWS) == 12
    for cell in CELLS["table2"]:
        assert cell.factors["split"] == SPLITS[cell.labels["set"]]
        assert cell.system == f"{SYSTEMS[cell.labels['pooling']]}_{cell.factors['structure']}"
    for split, system in ROWS:
        changes = ("error_rate_change", "f1_change") if system.endswith("hierarchical") else ()
        assert set(row(split, system)) == {*MEASURED, *changes}


def test_shares_are_printed_in_percent_and_rates_as_ratios():
    for cell in CELLS["table2"]:
        assert (cell.unit == "percent") == (not cell.metric.endswith("_rate")), cell


@pytest.mark.parametrize(("split", "system"), ROWS)
def test_error_rate_and_f1_follow_from_their_parts(split, system):
    values = printed(split, system)
    assert sum(values[part] for part in PARTS) == pytest.approx(values["error_rate"], abs=0.0101)
    harmonic = statistics.harmonic_mean([values["precision"], values["recall"]])
    assert harmonic == pytest.approx(values["f1"], abs=0.0051)


@pytest.mark.parametrize(("split", "system"), ROWS)
def test_a_row_is_suspect_where_its_rates_contradict_precision_and_recall(split, system):
    cells, values = row(split, system), printed(split, system)
    doubted = {metric for metric, cell in cells.items() if cell.suspect}
    exchanged = (split, system) == ("testing", "linear_single")
    everything = {*PARTS, "precision", "recall"}
    expected = everything - {"substitution_rate"} if exchanged else everything if contradicts(values) else set()
    assert doubted == expected
    precision, recall = implied(values)
    for metric in doubted:
        assert f"imply Pre. {precision:.1f} and Rec. {recall:.1f}" in cells[metric].suspect
        assert ("exchanged" in cells[metric].suspect) == exchanged


def test_seven_rows_are_suspect_and_one_of_them_fits_once_exchanged():
    assert sum(contradicts(printed(*place)) for place in ROWS) == 7
    values = printed("testing", "linear_single")
    for one, other in (("deletion_rate", "insertion_rate"), ("precision", "recall")):
        values[one], values[other] = values[other], values[one]
    precision, recall = implied(values)
    assert (precision, recall) == pytest.approx((values["precision"], values["recall"]), abs=0.7)


@pytest.mark.parametrize(("split", "system"), [place for place in ROWS if place[1].endswith("hierarchical")])
def test_changes_follow_from_the_printed_values(split, system):
    cells, after = row(split, system), printed(split, system)
    single = system.replace("hierarchical", "single")
    before = printed(split, single)
    for metric, sign in (("error_rate", -1), ("f1", 1)):
        cell = cells[f"{metric}_change"]
        assert cell.relative_to == single
        change = sign * 100 * (after[metric] / before[metric] - 1)
        assert float(cell.published) == pytest.approx(change, abs=0.051 if not cell.note else 0.1)
        assert bool(cell.note) == (f"{change:.1f}" != cell.published)


# --- Table 3 and the erratum


def test_all_systems_of_table_3_but_the_proposed_one_are_quoted():
    own = [cell for cell in CELLS["table3"] if not cell.quoted]
    assert {cell.labels["method"] for cell in own} == {"Proposed"}
    assert runs_needed(CELLS["table3"]) == [("linear_hierarchical", "dcase2017")]
    for cell in own:
        value = float(row(cell.factors["split"], cell.system)[cell.metric.removeprefix("segment_")].published)
        digits = 1 if cell.unit == "percent" else 2
        assert f"{value:.{digits}f}" == cell.published


def test_dashes_of_table_3_are_explained():
    for cell in CELLS["table3"]:
        assert ("not presented" in cell.note) == (not cell.published)
        assert ("ensemble" in cell.note) == ("*" in cell.labels["method"])


def test_the_erratums_five_runs_have_the_mean_and_deviation_that_the_notes_say(paper):
    runs = [cell for cell in CELLS["erratum"] if cell.published]
    assert [cell.factors["seed"] for cell in runs] == [
        str(seed) for seed in paper.settings.systems[runs[0].system].seeds
    ]
    values = [float(cell.published) for cell in runs]
    notes = {
        cell.metric: cell.note for cell in CELLS["erratum"] if cell.system == runs[0].system and not cell.published
    }
    assert f"mean {statistics.mean(values):.3f}" in notes["segment_error_rate"]
    assert f"sd {statistics.stdev(values):.3f}" in notes["segment_error_rate_sd"]


@pytest.mark.parametrize("system", ["attention_single", "attention_hierarchical"])
def test_the_erratum_quotes_table_2(system):
    mean = next(c for c in CELLS["erratum"] if (c.system, c.metric) == (system, "segment_error_rate"))
    assert mean.note == f"Table 2 prints {row('evaluation', system)['error_rate'].published}"
