"""Claims that fail: each has one reason, which something shows or which is open."""

import pytest

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_table
from sedrepro.reporting.documents.contradictions import COLUMNS, CONTRADICTIONS, REASONS, reasons
from sedrepro.reporting.documents.facts import fact_of

OPEN = {"paper": "a", "id": "1", "metric": "", "variant": "", "reason": "open", "tried": "", "why": "not known"}
BUDGET = OPEN | {"metric": "roc_auc|macro_ap", "reason": "budget", "tried": "longer"}


def failing(metric="macro_ap", **other):
    return {"paper": "a", "id": "1", "metric": metric, "variant": "remix_0db", "split": ""} | other


@pytest.fixture
def found(tmp_path):
    """What `reasons` says of rows and failing tests, with one experiment on record."""

    def of(rows, tests):
        path, experiments = tmp_path / "contradictions.csv", tmp_path / "experiments.csv"
        write_table(path, COLUMNS, [[row[name] for name in COLUMNS] for row in rows], delimiter=",")
        write_table(experiments, ("paper", "experiment"), [("a", "longer")], delimiter=",")
        return reasons(tests, path, experiments)

    return of


def test_every_failing_test_stands_with_its_reason(found):
    tests = [failing(), failing("roc_auc"), failing("event_f1")]
    (first, of_first), (second, of_second) = found([BUDGET, OPEN | {"metric": "event_f1"}], tests)
    assert (first["reason"], of_first) == ("budget", tests[:2])
    assert (second["reason"], of_second) == ("open", tests[2:])


def test_a_row_may_be_about_one_variant(found):
    tests = [failing(), failing(variant="remix_20db")]
    rows = [BUDGET | {"variant": "remix_0db"}, OPEN | {"variant": "remix_20db"}]
    assert [len(of_row) for _, of_row in found(rows, tests)] == [1, 1]


@pytest.mark.parametrize(
    ("rows", "tests", "words"),
    [
        ([], [failing()], "0 rows on the failing claim a, 1, macro_ap, remix_0db; there must be one"),
        ([BUDGET, OPEN], [failing()], "2 rows on the failing claim"),
        ([BUDGET], [failing("event_f1")], "0 rows on the failing claim"),
        ([OPEN, BUDGET | {"id": "2"}], [failing()], "row 3: no such claim fails; remove the row"),
        ([OPEN | {"reason": "luck"}], [failing()], "row 2: reason 'luck' is none of code, data"),
        ([OPEN | {"tried": "longer"}], [failing()], "row 2: a reason is open, or 'tried' says what shows it"),
        ([BUDGET | {"tried": ""}], [failing()], "row 2: a reason is open, or 'tried' says what shows it"),
        ([BUDGET | {"tried": "shorter"}], [failing()], "row 2: 'shorter' is no experiment of a in "),
    ],
)
def test_what_is_missing_or_left_over_is_named(found, rows, tests, words):
    with pytest.raises(DataError, match=r"contradictions\.csv") as error:
        found(rows, tests)
    assert words in str(error.value)


def test_the_reasons_on_record_are_those_of_the_newest_records():
    rows = read_table(CONTRADICTIONS, COLUMNS, delimiter=",")
    assert {row["reason"] for row in rows} <= set(REASONS)
    assert len(fact_of("contradictions folder=2026-11-2[89]_recordings_cpu").splitlines()) == len(rows) + 2
