"""Numbers of README and docs equal their records, and a marker that cannot be filled says why."""

import json
import re
from pathlib import Path

import pytest

from sedrepro.base.errors import DataError
from sedrepro.reporting.documents import filling
from sedrepro.reporting.documents.claims import CountedOrders
from sedrepro.reporting.documents.facts import MARKER, fact_of, filled, shown
from sedrepro.reporting.documents.recorded import MEASURED, TRIED, read_csv

ROOT = Path(__file__).parents[3]
RECORD = "record=2026-11-29_recordings_cpu/c_ssed"
CELL = f"cell {RECORD} table=table2 system=power metric=event_error_rate"


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_every_number_in_the_documents_equals_its_record():
    assert filling.outdated() == {}


def test_results_hold_no_decimal_that_is_not_from_a_record():
    """But settings that a sentence is about: a dropout, and the end of a grid."""
    prose = MARKER.sub("", Path("docs/results.md").read_text(encoding="utf-8"))
    assert set(re.findall(r"\b\d+\.\d+", re.sub(r"\(\S*\)", "", prose))) <= {"0.5", "0.95"}


def test_tables_of_the_papers_hold_no_decimal_that_is_not_from_a_record():
    """In a paper's README a table shows results; what it says of settings stands in the text."""
    for path in sorted(Path().glob("src/sedrepro/papers/*/README.md")):
        rows = [line for line in MARKER.sub("", path.read_text(encoding="utf-8")).splitlines() if "|" in line]
        assert not [row for row in rows if re.search(r"\|\s*-?\d+\.\d+[^|]*\|", row)], path


def test_an_inline_marker_starts_no_line():
    """Markdown takes a comment at the start of a line for HTML and ends the paragraph there."""
    for path in filling.documents():
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.match(r" {0,3}<!-- fact: .*<!-- end -->", line), f"{path}: {line}"


def test_a_fact_follows_its_record():
    text = f"ER of <!-- fact: {CELL} format=.2f -->9.99<!-- end -->."
    row = read_csv(Path("results/recorded/2026-11-29_recordings_cpu/c_ssed/tables.csv")).query(
        "table == 'table2' and system == 'power' and metric == 'event_error_rate'"
    )
    assert f"-->{float(row['mean'].item()):.2f}<!-- end -->." in filled(text, "a.md")


def test_the_orders_that_records_decide_are_counted_by_claim():
    _, _, *rows = fact_of("orders folder=2026-11-2[89]_recordings_cpu").splitlines()
    cells = {row.split("|")[1].strip(): [cell.strip() for cell in row.split("|")[2:-1]] for row in rows}
    counts = {name: list(map(int, row[:7])) for name, row in cells.items()}
    together = counts.pop("together")
    assert [sum(column) for column in zip(*counts.values(), strict=True)] == together
    for name, (claims, *decided, undecided, too_small) in counts.items():
        assert sum(decided) + undecided + too_small == claims
        assert cells[name][7] == f"{sum(decided)} of {claims - too_small}"
        facts = json.loads(Path(f"results/recorded/2026-11-29_recordings_cpu/{name}/record.json").read_text())
        assert int(cells[name][8]) == 1 + len(facts["continues"])


def test_orders_are_counted_at_the_level_divided_by_the_looks():
    def row(claim, outcome, p_holds="", p_fails="", too_small=""):
        given = {"paper": "a", "quote": claim, "claim": claim, "outcome": outcome, "too_small": too_small}
        return [given | {"p_holds": p_holds, "p_fails": p_fails}]

    orders = [row("A", "holds", "0.02", "1"), row("B", "fails", "1", "0.01"), row("C", "holds")]
    orders += [row("D", "undecided", "0.2", "1"), row("E", "undecided", "0.2", "1", "yes")]
    once, thrice = (CountedOrders.of(orders, looks) for looks in (1, 3))
    assert once.cells() == ["5", "2", "0", "1", "0", "1", "1", "3 of 4", "1", "2 of 3", "2 of 3"]
    assert thrice.cells() == ["5", "2", "0", "1", "0", "1", "1", "3 of 4", "3", "2 of 3", "1 of 3"]
    assert CountedOrders.together([once, thrice]).cells()[7:] == ["6 of 8", "1 or 3", "4 of 6", "3 of 6"]


def test_the_claims_that_records_decide_are_counted():
    _, _, *rows = fact_of("claims folder=2026-11-2[89]_recordings_cpu up=../").splitlines()
    cells = {row.split("|")[1].strip().partition("]")[0]: row.split("|")[2:-1] for row in rows}
    numbers = {name: list(map(int, row[:-1])) for name, row in cells.items()}
    for name, (tests, hold, fail, _, too_small, _) in numbers.items():
        assert cells[name][-1].strip() == f"{hold + fail} of {tests - too_small}"
    together, orders = numbers.pop("together"), numbers.pop("order claims alone")
    assert all(some <= every for some, every in zip(orders, together, strict=True)) and 0 < orders[0] < together[0]
    assert set(numbers) == {
        f"[{path.parent.name}" for path in Path("results/recorded").glob("2026-11-2[89]_recordings_cpu/*/record.json")
    }
    assert together == [sum(column) for column in zip(*numbers.values(), strict=True)]
    for tests, hold, fail, undecided, too_small, below in numbers.values():
        assert tests == hold + fail + undecided and too_small + below <= undecided


def test_filling_twice_changes_nothing():
    once = filled("<!-- fact: published -->old<!-- end -->", "a.md")
    assert filled(once, "a.md") == once


def test_what_is_not_at_hand_is_counted_from_the_published_values():
    folder = ROOT / "src/sedrepro/papers/ddc_fap/published"
    marks = sum(line.count(",?,") + line.endswith(",?") for p in folder.glob("table*.csv") for line in p.open())
    assert int(fact_of("published paper=ddc_fap field=missing")) == marks


def test_values_are_counted_by_the_split_that_they_are_of():
    public = read_csv(ROOT / "src/sedrepro/papers/joint_at_aed/published/table2.csv").query("split == 'public'")
    lines = [line for line in fact_of("splits").splitlines() if line.startswith("| joint_at_aed |")]
    assert [line.split(" | ")[1] for line in lines] == ["`public`"]
    assert f"`table2`: {len(public)}" in lines[0]


def test_splits_of_which_no_printed_value_is_at_hand_are_not_listed():
    """Table 8 of ddc_fap names splits, but all its values are missing."""
    assert "ddc_fap" not in fact_of("splits")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("cel x=1", "did you mean 'cell'"),
        (f"cell {RECORD}", "rows like that"),
        (f"{CELL} colum=x", "has no column 'colum'"),
        ("cell table=table2", "needs record="),
        ("measured measurement=nothing", "has no row with"),
    ],
)
def test_a_wrong_marker_is_named(asked, says):
    with pytest.raises(DataError, match=re.escape(says)):
        filled(f"<!-- fact: {asked} -->x<!-- end -->", "a.md")


def test_seconds_are_shown_as_minutes():
    assert (shown("1782", "minutes"), shown("7200", "hours"), shown("2.5", "")) == ("29 min 42 s", "2.0 h", "2.5")


def test_each_measurement_stands_once_with_its_day_and_machine():
    table = read_csv(MEASURED)
    assert table["measurement"].is_unique
    assert (table[["date", "cpu", "cores"]] != "").all(axis=None)


def test_each_value_of_an_experiment_stands_once_and_each_experiment_has_its_condition():
    table = read_csv(TRIED)
    assert not table.duplicated(["paper", "experiment", "setting", "epoch", "seed", "metric"]).any()
    assert (table[["date", "paper", "experiment", "value"]] != "").all(axis=None)
    told = table[table["metric"] == "condition"].groupby("experiment").size()
    assert dict(told) == dict.fromkeys(table["experiment"].unique(), 1)


def test_an_experiment_fills_a_table():
    asked = "tried experiment=dropout metric=n epoch=20|100 rows=setting columns=epoch format=.1f names=power_n0:0"
    lines = fact_of(asked).splitlines()
    assert lines[0] == "| setting | 20 | 100 |"
    cells = read_csv(TRIED).query("experiment == 'dropout' and setting == 'power_n0' and epoch in ('20', '100')")[
        "value"
    ]
    assert lines[2] == f"| 0 | {' | '.join(f'{float(value):.1f}' for value in cells)} |"
