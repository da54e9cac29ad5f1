"""Running notebooks; the project's own ones run in .ci/run, on the results of a whole workflow."""

import nbformat
import pytest

from sedrepro.base.errors import DataError
from sedrepro.experiments.configuration import Config
from sedrepro.reporting.notebooks import execution
from sedrepro.reporting.notebooks.execution import run_notebooks

SOUND = """\
from sedrepro.reporting.notebooks.notebook import PaperView, chosen_scale

print(chosen_scale(), PaperView("p").table("t")["mean"][0])
"""
BROKEN = "1 / 0"


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    return Config(scale="full", folds=(1,), seeds=(1,), results_dir="results")


def store(folder, name, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "notebooks" / f"{name}.ipynb")


def test_a_copy_has_the_outputs_and_the_notebook_none(config, tmp_path):
    tables = tmp_path / "results" / "full" / "p" / "tables"
    tables.mkdir(parents=True)
    (tables / "t.csv").write_text("mean,published\n0.25,0.3\n")
    store(tmp_path, "p", SOUND)
    said = []
    (written,) = run_notebooks(config, said.append)
    assert said == ["notebooks/p.ipynb: results/full/notebooks/p.ipynb"]
    assert nbformat.read(written, as_version=4).cells[0].outputs[0].text == "full 0.25\n"
    assert nbformat.read(tmp_path / "notebooks" / "p.ipynb", as_version=4).cells[0].outputs == []


def test_missing_results_and_faults_end_it_with_a_line(config, tmp_path):
    store(tmp_path, "p", SOUND)
    with pytest.raises(DataError) as raised:
        run_notebooks(config)
    assert str(raised.value).startswith("notebooks/p.ipynb: ")
    assert str(raised.value).endswith("tables/t.csv: is not there; make results PAPER=p SCALE=full makes it")
    store(tmp_path, "p", BROKEN)
    with pytest.raises(DataError, match=r"notebooks/p.ipynb: ZeroDivisionError: division by zero"):
        run_notebooks(config)
    assert not (tmp_path / "results").exists()


#: Never ends where its file is not there yet, or never at all.
STUCK = """\
import pathlib, time
here = pathlib.Path("tried")
if not here.exists() or {always}:
    here.touch()
    time.sleep(1000)
print("ended")
"""


def test_a_cell_that_does_not_end_is_tried_once_more(config, tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "TIMEOUT", 5)
    store(tmp_path, "p", STUCK.format(always=False))
    (written,) = run_notebooks(config)
    assert nbformat.read(written, as_version=4).cells[0].outputs[0].text == "ended\n"
    store(tmp_path, "p", STUCK.format(always=True))
    with pytest.raises(DataError, match=r"notebooks/p.ipynb: a cell has not ended after 5 s, .* 2 times"):
        run_notebooks(config)


def test_only_those_of_the_chosen_papers_run(config, tmp_path):
    store(tmp_path, "broken", BROKEN)
    store(tmp_path, "hierarchical_pooling", "1 + 1")
    chosen = config.model_copy(update={"papers": ("hierarchical_pooling",)})
    assert [path.name for path in run_notebooks(chosen)] == ["hierarchical_pooling.ipynb"]
    with pytest.raises(DataError, match="holds no notebook of ddc_fap"):
        run_notebooks(config.model_copy(update={"papers": ("ddc_fap",)}))
