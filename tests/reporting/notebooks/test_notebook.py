import pandas as pd
import pytest

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.reporting.notebooks import notebook
from sedrepro.reporting.notebooks.notebook import MissingResultsError, PaperView, chosen_scale, results_folder, warning

TABLE = "method,system,metric,mean,published,verdict\nGAP,gap,micro_ap,0.5,0.70,{0}\nGMP,gmp,micro_ap,0.6,,{1}\n"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A results folder, chosen by the environment, with a table of a paper."""
    monkeypatch.setenv(notebook.RESULTS, str(tmp_path))
    monkeypatch.setenv(notebook.SCALE, "recordings")
    tables = tmp_path / "recordings" / "some_paper" / "tables"
    tables.mkdir(parents=True)
    (tables / "table1.csv").write_text(TABLE.format("close", "close"))
    (tables / "table1.md").write_text("| a | b |")
    return tmp_path / "recordings"


@pytest.fixture
def view(results):
    return PaperView("some_paper")


def test_the_scale_is_miniature_unless_the_environment_says_another(monkeypatch):
    monkeypatch.delenv(notebook.SCALE, raising=False)
    assert chosen_scale() == "miniature"
    monkeypatch.setenv(notebook.SCALE, "full")
    assert chosen_scale() == "full"
    monkeypatch.setenv(notebook.SCALE, "minature")
    with pytest.raises(SettingsError, match=r"SEDREPRO_SCALE=minature: .*miniature"):
        chosen_scale()


def test_results_are_those_of_the_checkout_around_the_notebook(tmp_path, monkeypatch):
    monkeypatch.delenv(notebook.RESULTS, raising=False)
    monkeypatch.setenv(notebook.SCALE, "full")
    inner = tmp_path / "notebooks" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    with pytest.raises(SettingsError, match="lies in no checkout"):
        results_folder()
    (tmp_path / "Snakefile").touch()
    assert results_folder() == tmp_path / "results" / "full"


def test_a_table_is_read_with_published_values_as_printed(view):
    table = view.table("table1")
    assert list(table["mean"]) == [0.5, 0.6]
    assert table["published"][0] == "0.70"  # not 0.7
    assert view.show("table1").data == "| a | b |"


def test_a_figure_is_shown_as_the_run_drew_it(view, results):
    (results / "some_paper" / "figures").mkdir()
    (results / "some_paper" / "figures" / "figure2.png").write_bytes(b"\x89PNG\r\n\x1a\npicture")
    assert view.figure("figure2").data.startswith(b"\x89PNG")


def test_verdicts_are_counted_table_by_table(view, results):
    (results / "some_paper" / "tables" / "table2.csv").write_text(TABLE.format("differs", "close"))
    counts = view.verdicts()
    assert counts.loc["table1", "close"] == 2
    assert (counts.loc["table2", "close"], counts.loc["table2", "differs"]) == (1, 1)
    assert counts.loc["table1", "differs"] == 0


@pytest.mark.parametrize(
    ("method", "name", "file"),
    [("table", "table9", "table9.csv"), ("show", "table9", "table9.md"), ("figure", "figure9", "figure9.png")],
)
def test_what_is_missing_is_named_with_the_command_that_makes_it(view, method, name, file):
    with pytest.raises(DataError) as raised:
        getattr(view, method)(name)
    assert file in str(raised.value)
    assert "make results PAPER=some_paper SCALE=recordings makes it" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_verdicts_of_a_paper_without_tables_say_so(results):
    with pytest.raises(MissingResultsError, match="make results PAPER=other_paper"):
        PaperView("other_paper").verdicts()


def test_jupyter_shows_the_line_alone():
    assert MissingResultsError("not there")._render_traceback_() == ["not there"]


CLAIMS = pd.DataFrame(
    {
        "paper": ["some_paper", "other_paper", "some_paper"],
        "claim": ["A is ahead of B", "C is ahead", "B is slow"],
        "outcome": ["undecided", "holds", "fails"],
        "quote": ["a", "b", "c"],
    }
)


def test_claims_are_those_of_the_paper(view, results):
    CLAIMS.to_csv(results / "claims.csv", index=False)
    assert list(view.claims()["claim"]) == ["A is ahead of B", "B is slow"]
    page = view.show_claims().data
    assert page.index("B is slow") < page.index("A is ahead of B")  # what failed comes first
    assert "quote" not in page


def test_without_a_file_of_claims_a_line_says_which_command_makes_it(view):
    with pytest.raises(MissingResultsError):
        view.claims()
    assert "make results SCALE=recordings" in view.show_claims().data


def test_long_texts_are_shown_whole():
    text = "x" * 300
    assert text in notebook.shown(pd.DataFrame({"claim": [text], "mean": [0.123456]})).data
    assert "0.1235" in notebook.shown(pd.DataFrame({"mean": [0.123456]})).data


def test_the_warning_names_the_scale(results):
    assert "Recordings scale" in warning().data
    assert str(results) in warning().data
