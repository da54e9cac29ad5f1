"""A system that a paper does not have: one entry in settings.yaml, tried in a copy of the project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAPER = "two_step_attention"
# As CONTRIBUTING.md, "Add a system", has it.
ENTRY = """
  mine:
    provenance: {source: assumption, reason: 'our own idea, not of the paper'}
    label: VGGish + mean of all
    network: vgg_like
    arguments: {pooling: gap}
    tables: [table1]
"""
PROGRAM = f"""
import json
from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.papers import load_paper
from sedrepro.published.needs import table_cells, table_runs
config = load_config()
paper = load_paper({PAPER!r}, config)
runs = [run for run in table_runs(config, paper, "table1") if run.system == "mine"]
cells = table_cells(paper, "table1")
print(json.dumps([sorted({{run.variant for run in runs}}), [cell.system for cell in cells], cells[-1].labels]))
"""


def test_one_entry_is_enough_for_its_runs_and_its_rows(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.pyc.*", ".*.code", "*.egg-info"))
    shutil.copytree(ROOT / "config", tmp_path / "config")
    file = tmp_path / "src" / "sedrepro" / "papers" / PAPER / "settings.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("\nsystems:\n") == 1
    file.write_text(text.replace("\nsystems:\n", f"\nsystems:{ENTRY}"), encoding="utf-8")

    def said(*words):
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    variants, systems, labels = json.loads(said("-c", PROGRAM))
    assert variants == ["remix_0db", "remix_10db", "remix_20db"]
    assert systems[-9:] == ["mine"] * 9  # three SNRs, three metrics, below all published rows
    assert "mine" not in systems[:-9]
    assert "VGGish + mean of all" in labels.values()
    assert "our own idea" in said("-m", "sedrepro", "show", f"{PAPER}/mine")
