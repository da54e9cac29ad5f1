"""Configuration, and the functions with which rules find their files. Nothing here lists papers or systems."""

import ast
import json
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

# The checkout's own code, here and in every job, whatever is installed.
SOURCE = Path("src/sedrepro")
sys.path.insert(0, str(SOURCE.parent.resolve()))
shell.prefix(f'export PYTHONPATH="{SOURCE.parent.resolve()}:$PYTHONPATH"; set -euo pipefail; ')

from sedrepro import settings
from sedrepro.config import make_config, read_yaml, scale_file
from sedrepro.corpora import data_set
from sedrepro.errors import SedreproError
from sedrepro.files import write_text
from sedrepro.reporting.paper_tables import cells_file, table_runs
from sedrepro.runs import RUN_FILES, figure_run


def configured():
    """The validated configuration: the scale's file, then what `--configfile` and `--config` say."""
    file = scale_file(config.get("scale", "miniature"))
    return make_config(read_yaml(file) | config, f"{file} and the command line")


def required_labels(conf, papers):
    """Label tables of the official data sets; where they are not made here they must be there."""
    names = {name for p in papers for c in p.settings.corpora.values() for name in (c.events, c.scenes)}
    tables = {name: conf.corpora_dir / data_set(name).LABELS for name in sorted(names)}
    for name, path in tables.items():
        if conf.scale != "miniature" and not path.is_file():
            raise SedreproError(f"{path}: no such file; data_root must hold {name} in its official layout")
    return tables


try:
    CONF = configured()
    PAPERS = {name: settings.load_paper(name, CONF) for name in settings.chosen_papers(CONF)}
    LABELS = required_labels(CONF, PAPERS.values())
except SedreproError as error:
    raise WorkflowError(str(error)) from None

SCALE = CONF.scale
WORK = f"{CONF.work_dir}/{SCALE}"
RESULTS = f"{CONF.results_dir}/{SCALE}"

CONFIG_FILE = f"{CONF.work_dir}/{SCALE}/config.yaml"


wildcard_constraints:
    paper="|".join(PAPERS),
    corpus=r"[\w-]+",
    variant=r"[\w-]+",
    system=r"[\w.-]+",
    table=r"\w+",
    figure=r"\w+",
    fold=r"\d+",
    seed=r"\d+",


def code(*files):
    """Source files that a rule's results depend on, so that editing them reruns just that."""
    return [str(SOURCE / name) for name in files]


def network_code(wildcards):
    """The paper's network and the shared layers it imports, found from the import statements."""
    waiting, found = [SOURCE / "papers" / wildcards.paper / "network.py"], []
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.append(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            origin = node.module if isinstance(node, ast.ImportFrom) else None
            if origin and origin.startswith(("sedrepro.nn", "sedrepro.papers")):
                waiting.append(Path("src", *origin.split(".")).with_suffix(".py"))
    return sorted(map(str, found))


def compact(*models):
    """Settings as one line of JSON: a rule's parameter, so that changing one reruns what depends on it."""
    return json.dumps([m.model_dump(mode="json") for m in models], sort_keys=True)


def corpus_of(wildcards):
    """Corpus of a corpus variant."""
    return PAPERS[wildcards.paper].settings.corpus_of(wildcards.variant)[0]


def run_folder(who):
    """Results folder of a run."""
    return str(who.folder(CONF))


def paper_outputs(name):
    """Every table and figure of a paper."""
    paper = PAPERS[name].settings
    tables = expand(f"{RESULTS}/{name}/tables/{{t}}.{{e}}", t=paper.tables, e=("csv", "md", "html"))
    figures = expand(f"{RESULTS}/{name}/figures/{{f}}.{{e}}", f=paper.figures, e=("svg", "png"))
    return [*tables, *figures]


def corpus_surveys(wildcards):
    """Surveys of the data sets of a corpus."""
    corpus = PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]
    return [f"{WORK}/surveys/{name}/clips.tsv" for name in (corpus.events, corpus.scenes)]


def audio_folders():
    """Folders of the rendered mixtures, one per paper and corpus variant."""
    return [
        f"{WORK}/{name}/audio/{variant}"
        for name, paper in PAPERS.items()
        for corpus, remix in paper.settings.corpora.items()
        for variant in remix.variants(corpus)
    ]


def figure_files(wildcards):
    """Files of the run that a figure looks into."""
    folder = run_folder(figure_run(CONF, PAPERS[wildcards.paper], wildcards.figure))
    return [f"{folder}/{name}" for name in RUN_FILES]


def table_metrics(wildcards):
    """Metrics files that a table reads."""
    runs = table_runs(CONF, PAPERS[wildcards.paper], wildcards.table)
    return [str(who.metrics_file(CONF)) for who in runs]


def write_configuration():
    """The resolved configuration as a file, so that each command of a run can be repeated by hand, word for word."""
    write_text(CONFIG_FILE, yaml.safe_dump(json.loads(CONF.model_dump_json(exclude_none=True)), sort_keys=False))


def report_failed_jobs(workflow_logs):
    """After a failure: the last line of every failed job's log, which names the culprit."""
    text = "".join(Path(path).read_text(encoding="utf-8") for path in workflow_logs)
    for path in dict.fromkeys(re.findall(r"log: (\S+) \(check log file", text)):
        lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).is_file() else []
        sys.stderr.write(f"{lines[-1] if lines else 'failed without a word'}\n    (whole log: {path})\n")
