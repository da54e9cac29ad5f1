"""The notebooks as they are stored: whole, without outputs, and true to the papers that they tell of."""

import ast
from pathlib import Path

import nbformat
import pytest

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper, paper_names

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: The one that is of no single paper.
OVER_ALL = "poolings"
#: The one that teaches: it reads no results, and is stored with its pictures, so that it can be read on the web.
LESSON = "learn_poolings"
#: What only styles a picture.
STYLES = ("alpha", "figsize", "bbox_to_anchor")
CONFIG = Config(scale="full", folds=(1,), seeds=(1,), device="cpu")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def asked(path):
    """The names given to each method of `paper`, in the order of the cells."""
    found = {}
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[0] == "paper":
                found.setdefault(node.func.attr, []).extend(argument.value for argument in node.args)
    return found


def test_there_are_notebooks():
    assert OVER_ALL in {path.stem for path in NOTEBOOKS}


def test_it_is_a_whole_notebook(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_is_stored_without_outputs(path):
    if path.stem == LESSON:
        return
    for cell in cells(path, "code"):
        assert (cell.outputs, cell.execution_count) == ([], None)
        assert not cell.metadata


def test_every_code_cell_compiles_and_is_short(path):
    for cell in cells(path, "code"):
        compile(cell.source, f"{path.name}:{cell.id}", "exec")
        assert len(cell.source.splitlines()) <= 12, cell.id


def test_its_formulas_are_closed(path):
    """Markdown cells with an odd number of dollar signs would show their text as a formula."""
    for cell in cells(path, "markdown"):
        assert cell.source.count("$") % 2 == 0, cell.id
        assert cell.source.count("$$") % 2 == 0, cell.id


def test_it_is_of_a_paper_and_shows_all_of_its_tables_and_figures(path):
    if path.stem in (OVER_ALL, LESSON):
        return
    assert path.stem in paper_names()
    settings, shown = load_paper(path.stem, CONFIG).settings, asked(path)
    tables = {name for name, layout in settings.tables.items() if layout.kind != "claims"}
    assert sorted(shown["show"]) == sorted(tables)
    assert sorted(shown["figure"]) == sorted(settings.figures)
    assert set(shown.get("table", ())) <= tables
    assert {"verdicts", "show_claims"} <= set(shown)


def test_it_names_its_paper_once(path):
    names = [
        node.value
        for cell in cells(path, "code")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Constant) and node.value in paper_names()
    ]
    assert names == ([] if path.stem in (OVER_ALL, LESSON) else [path.stem])


def test_no_number_of_a_result_is_typed_in(path):
    """Code cells hold no decimals but those that style a picture."""
    if path.stem == LESSON:  # shows no results
        return
    for cell in cells(path, "code"):
        kept = ast.parse(cell.source)
        styled = [
            inner
            for node in ast.walk(kept)
            if isinstance(node, ast.keyword) and node.arg in STYLES
            for inner in ast.walk(node)
        ]
        numbers = [node for node in ast.walk(kept) if isinstance(node, ast.Constant) and type(node.value) is float]
        assert all(number in styled for number in numbers), cell.id


def test_the_lesson_is_stored_small_and_with_its_pictures():
    path = FOLDER / f"{LESSON}.ipynb"
    kinds = [kind for cell in cells(path, "code") for output in cell.outputs for kind in output.get("data", {})]
    assert kinds.count("image/svg+xml") == 3
    assert not any("widget" in kind for kind in kinds)
    assert path.stat().st_size < 400_000
