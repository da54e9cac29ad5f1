"""Configuration, and the functions with which rules find their files. Nothing here lists papers or systems."""

import ast
import functools
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

from sedrepro.experiments import settings
from sedrepro.experiments.configuration import make_config, read_yaml, scale_file
from sedrepro.corpora.remix import Remix
from sedrepro.corpora.survey import TABLES as SURVEY_TABLES
from sedrepro.corpora.tables import CORPUS_TABLES
from sedrepro.data_sets import data_set_names
from sedrepro.base.errors import SedreproError
from sedrepro.base.files import write_text
from sedrepro.obtaining.obtain import receipt_path
from sedrepro.obtaining.plan import archive_of, available_data_sets, chosen_data_sets, files_of, label_tables, missing_labels, needed_files, origin_of
from sedrepro.obtaining.single_clips import taken_stamp
from sedrepro.reporting.tables.comparison import paper_tables
from sedrepro.published.needs import cells_file, table_runs
from sedrepro.reporting.claims.registry import table_figures
from sedrepro.experiments.run_files import PSEUDO_LABELS, RUN_FILES
from sedrepro.experiments.runs import RunIdentity, base_files, corpus_folder, figure_runs, needs_strong_labels, stores_frames, survey_folder
from sedrepro.steps.score import SCORE_FILES
from sedrepro.steps.sweep import part_file, sweep_runs


def configured():
    """The validated configuration: the scale's file, then what `--configfile` and `--config` say."""
    file = scale_file(config.get("scale", "miniature"))
    return make_config(read_yaml(file) | config, f"{file} and the command line")


def data_sets_by_owner(conf, papers):
    """Data sets of each paper, and as `data` those that were asked for; what shall lie in the data root must be there."""
    owned = {name: paper.settings.data_sets for name, paper in papers.items()}
    asked = chosen_data_sets(conf) if conf.data_sets else []
    for name in asked or sorted({name for names in owned.values() for name in names}):
        if origin_of(conf, name) == "given" and (lacking := missing_labels(conf, name)):
            users = [paper for paper, names in owned.items() if name in names]
            raise SedreproError(
                f"data_root must hold {name} in its official layout; {conf.corpora_dir} lacks {lacking[0]}"
                + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
                + (f". {', '.join(users)} need it; other papers: papers=NAME (make: PAPER=NAME)" if users else "")
            )
    return owned | {"data": asked or available_data_sets(conf)}


try:
    CONF = configured()
    PAPERS = {name: settings.load_paper(name, CONF) for name in settings.chosen_papers(CONF)}
    DATA_SETS = data_sets_by_owner(CONF, PAPERS)
    SOURCES = needed_files(CONF) if CONF.scale == "full" else []
except SedreproError as error:
    raise WorkflowError(str(error)) from None

SCALE = CONF.scale
WORK = f"{CONF.work_dir}/{SCALE}"
RESULTS = f"{CONF.results_dir}/{SCALE}"

CONFIG_FILE = f"{CONF.work_dir}/{SCALE}/config.yaml"


wildcard_constraints:
    paper="|".join(PAPERS),
    owner="|".join(DATA_SETS),
    corpus=r"[\w-]+",
    variant=r"[\w-]+",
    system=r"[\w.-]+",
    table=r"\w+",
    figure=r"\w+",
    data_set=r"\w+",
    fold=r"\d+",
    seed=r"\d+",


def code(*files):
    """Source files that a rule's results depend on, so that editing them reruns just that."""
    return [str(SOURCE / name) for name in files]


@functools.cache
def with_imports(start, *rooms):
    """A source file and what it imports from some rooms of the package, found from the import statements.

    Asked again for every run; the files are read once.
    """
    waiting, found = [start], []
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.append(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            origin = node.module if isinstance(node, ast.ImportFrom) else None
            if origin and origin.startswith(tuple(f"sedrepro.{room}" for room in rooms)):
                place = Path("src", *origin.split("."))
                waiting += [place.with_suffix(".py"), *(place / f"{name.name}.py" for name in node.names)]
    return sorted(map(str, found))


def network_code(wildcards):
    """The paper's network and the shared layers it imports."""
    return with_imports(SOURCE / "papers" / wildcards.paper / "network.py", "nn", "papers")


def miniature_code(wildcards):
    """What synthesises a data set; the two sources of the remix share a module."""
    own = SOURCE / "miniature" / f"{wildcards.archive}.py"
    return with_imports(own if own.is_file() else SOURCE / "miniature" / "remix_sources.py", "miniature")


def survey_code(wildcards):
    """What a survey depends on."""
    reader = SOURCE / "data_sets" / f"{wildcards.data_set}.py"
    return [*code("corpora/survey.py", "audio/reading.py"), *with_imports(reader, "data_sets", "clips", "labels")]


def compact(*models):
    """Settings as one line of JSON: a rule's parameter, so that changing one reruns what depends on it."""
    return json.dumps([m.model_dump(mode="json") for m in models], sort_keys=True)


def score_settings(wildcards):
    """How the runs on a corpus variant are scored, as one line of JSON."""
    paper = PAPERS[wildcards.paper].settings
    methods = paper.detection_of(paper.corpus_of(wildcards.variant)[0])
    return compact(paper.evaluation, *methods.values()) + " ".join(methods)


def score_code(wildcards):
    """What the metrics of a paper depend on."""
    if PAPERS[wildcards.paper].settings.needs_frames:
        found = with_imports(SOURCE / "scoring.py", "evaluation", "detection")
    else:
        found = [str(SOURCE / "scoring.py"), *with_imports(SOURCE / "evaluation/clip_metrics.py", "evaluation")]
    return [*found, *code("reporting/model_card.py")]


def figure_settings(wildcards):
    """Layout of a figure and the names of its systems, as one line of JSON."""
    paper = PAPERS[wildcards.paper].settings
    figure = paper.figure_of(wildcards.figure)
    return compact(figure) + json.dumps([paper.systems[system].label for system in figure.systems])


def corpus_of(wildcards):
    """Corpus of a corpus variant."""
    return PAPERS[wildcards.paper].settings.corpus_of(wildcards.variant)[0]


def run_folder(who):
    """Results folder of a run."""
    return str(who.folder(CONF))


def paper_outputs(name):
    """Every table and figure of a paper."""
    paper = PAPERS[name].settings
    tables = expand(f"{RESULTS}/{name}/tables/{{t}}.{{e}}", t=paper.tables, e=("csv", "md", "html", "tex"))
    figures = expand(f"{RESULTS}/{name}/figures/{{f}}.{{e}}", f=paper.figures, e=("svg", "png"))
    coverage = expand(f"{RESULTS}/{name}/coverage.{{e}}", e=("csv", "html"))
    return [*tables, *figures, *coverage]


def in_report(stem, endings, labels, **shown):
    """Files of one stem, shown by `snakemake --report`: their ending tells them apart beside labels(wildcards)."""

    def labelled(ending):
        return lambda wildcards: labels(wildcards) | {"format": ending.removeprefix(".")}

    return [report(f"{stem}{ending}", labels=labelled(ending), **shown) for ending in endings]


def table_labels(wildcards):
    """Name and title of a table."""
    return {"table": wildcards.table, "title": PAPERS[wildcards.paper].settings.tables[wildcards.table].title}


def figure_labels(wildcards):
    """Name and title of a figure."""
    return {"figure": wildcards.figure, "title": PAPERS[wildcards.paper].settings.figures[wildcards.figure].title}


def survey_file(data_set_name, table):
    """A table of the survey of a data set."""
    return str(survey_folder(CONF, data_set_name) / table)


def data_set_files(data_set_name):
    """What must be there of a data set; Snakemake would not make anew what only lies in between."""
    return [survey_file(data_set_name, "survey.json"), *brought_files(data_set_name)]


def brought_by(wildcards):
    """What must have happened before a data set can be surveyed: synthesised, downloaded, or nothing."""
    taken = taken_stamp(CONF, wildcards.data_set)
    return [*brought_files(wildcards.data_set), *([taken] if taken.is_file() else [])]


def brought_files(name):
    """Files that show that a data set was brought from its origin."""
    origin = origin_of(CONF, name)
    if origin == "given":
        return [CONF.corpora_dir / table for table in label_tables(CONF, name)]
    if origin == "downloaded":
        return [receipt_path(CONF, file) for file in files_of(CONF, [name])]
    return [f"{WORK}/synthesised/{archive_of(CONF, name)}.json"]


def corpus_surveys(wildcards):
    """Surveys of the data sets of a corpus."""
    corpus = PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]
    return [survey_file(name, "survey.json") for name in corpus.data_sets]


def corpus_sources(wildcards):
    """What the tables of a corpus are made from: the recipe of a remix, or the survey of an official data set."""
    if is_remix(wildcards.paper, wildcards.corpus):
        return [str(corpus_folder(CONF, PAPERS[wildcards.paper], wildcards.corpus) / "recipes.tsv")]
    return corpus_surveys(wildcards)


def corpus_code(wildcards):
    """What the tables of a corpus depend on."""
    kind = "corpora/remix.py" if is_remix(wildcards.paper, wildcards.corpus) else "corpora/official.py"
    return code("corpora/tables.py", kind)


def is_remix(paper_name, corpus):
    """Whether a corpus is mixed."""
    return isinstance(PAPERS[paper_name].settings.corpora[corpus], Remix)


def feature_settings(wildcards):
    """What the features of a corpus depend on: front end, corpus, order of classes."""
    paper = PAPERS[wildcards.paper].settings
    return compact(paper.front_end_of(wildcards.corpus), paper.corpora[wildcards.corpus]) + json.dumps(
        paper.classes_of(wildcards.corpus)
    )


def feature_code(wildcards):
    """What the features of a corpus depend on."""
    makes = "corpora/mixing.py" if is_remix(wildcards.paper, wildcards.corpus) else "audio/extraction.py"
    return code("audio/reading.py", "audio/front_end.py", "audio/logmel.py", "audio/store.py", makes)


def run_of(wildcards):
    """The run that a job is about."""
    names = (wildcards.paper, wildcards.system, wildcards.variant)
    return RunIdentity(*names, int(wildcards.fold), int(wildcards.seed))


def run_features(wildcards):
    """The feature store of a run."""
    return f"{WORK}/{wildcards.paper}/features/{corpus_of(wildcards)}"


def training_labels(wildcards):
    """Strong labels, for a run that is trained on some."""
    return [reference_events(wildcards)] if needs_strong_labels(PAPERS[wildcards.paper], run_of(wildcards)) else []


def training_base(wildcards):
    """What a run takes over from the run that it is based on."""
    return [str(path) for path in base_files(CONF, PAPERS[wildcards.paper], run_of(wildcards))]


def training_code(wildcards):
    """The method that a run is trained by."""
    method = PAPERS[wildcards.paper].run(wildcards.system, wildcards.variant).training.method
    return with_imports(SOURCE / "training" / f"{method.kind}.py", "training")


def audio_folders():
    """Folders of the rendered mixtures, one per paper and corpus variant."""
    return [
        f"{WORK}/{name}/audio/{variant}"
        for name, paper in PAPERS.items()
        for corpus, settings_ in paper.settings.corpora.items()
        if is_remix(name, corpus)
        for variant in settings_.variants(corpus)
    ]


def reference_events(wildcards):
    """Strong labels of the corpus of a corpus variant."""
    return str(corpus_folder(CONF, PAPERS[wildcards.paper], corpus_of(wildcards)) / "strong.tsv")


def figure_files(wildcards):
    """Files of the runs that a figure looks into, their metrics if it shows all runs, and the events of their corpus."""
    paper = PAPERS[wildcards.paper]
    folders = [run_folder(who) for who in figure_runs(CONF, paper, wildcards.figure)]
    read = [*RUN_FILES, *(SCORE_FILES if paper.settings.figure_of(wildcards.figure).runs == "all" else [])]
    corpus = paper.settings.corpus_of(paper.settings.figure_of(wildcards.figure).variant)[0]
    return [
        *(f"{folder}/{name}" for folder in folders for name in read),
        str(corpus_folder(CONF, paper, corpus) / "strong.tsv"),
    ]


def table_metrics(wildcards):
    """Metrics files that a table reads."""
    runs = table_runs(CONF, PAPERS[wildcards.paper], wildcards.table)
    return [str(who.metrics_file(CONF)) for who in runs]


TABLE_MODULES = (
    "paper_tables",
    "cells",
    "layout",
    "tables",
    "values",
    "grid",
    "markdown",
    "html_table",
    "latex",
    "verdict",
    "metrics_files",
)
TABLE_CODE = code(*(f"reporting/{name}.py" for name in TABLE_MODULES))
TEXT_TABLE_CODE = code(
    *(
        f"reporting/{name}.py"
        for name in ("paper_tables", "cells", "layout", "text_tables", "grid", "markdown", "html_table", "latex")
    )
)


def table_code(wildcards):
    """What a table depends on; text is said by the paper's own code, the rest by the runs."""
    kind = PAPERS[wildcards.paper].settings.tables[wildcards.table].kind
    if kind == "text":
        said = with_imports(SOURCE / "papers" / wildcards.paper / "tables.py", "nn", "papers", "reporting.provenance")
        return [*TEXT_TABLE_CODE, *said, *network_code(wildcards)]
    if kind == "claims":
        own = SOURCE / "papers" / wildcards.paper / "claims.py"
        return [*TABLE_CODE, *code("reporting/claims.py", "reporting/predicates.py"), *with_imports(own, "papers")]
    return TABLE_CODE


def table_arrays(wildcards):
    """Stored arrays of figures that a table of claims looks at."""
    return [str(path) for path in table_figures(CONF, PAPERS[wildcards.paper], wildcards.table)]


def table_settings(wildcards):
    """Layout of a table; what text and claims say of the settings, all of them may change."""
    paper = PAPERS[wildcards.paper]
    layout = paper.settings.tables[wildcards.table]
    said = "" if layout.kind == "numbers" else f"{compact(paper.settings)} {paper.provenance}"
    return f"{compact(layout)} {said}"


SWEEP_CODE = [*code("sweep.py"), *with_imports(SOURCE / "scoring.py", "evaluation", "detection")]
SWEEP_TABLE_CODE = code(
    "sweep.py", *(f"reporting/{name}.py" for name in ("sweep_table", "html_table", "grid", "layout", "verdict"))
)


def claims_tables():
    """The tables of claims of all papers."""
    return [
        f"{RESULTS}/{name}/tables/{table}.csv"
        for name, paper in PAPERS.items()
        for table, layout in paper.settings.tables.items()
        if layout.kind == "claims"
    ]


PAGE_CODE = with_imports(SOURCE / "reporting" / "page.py", "reporting")


def page_inputs(wildcards):
    """What the results page shows or links: tables, figures and coverage of the papers, and what is over all papers."""
    over_all = [f"{RESULTS}/{name}" for name in ("comparison.csv", "claims.csv", "post_processing.csv")]
    return [*(path for name in PAPERS for path in paper_outputs(name)), *over_all]


def page_settings(wildcards):
    """Every setting that the page tells, with where it comes from."""
    return " ".join(f"{compact(paper.settings)} {paper.provenance}" for paper in PAPERS.values())


def sweep_scores(wildcards):
    """What the sweep reads of the runs of a paper's tables."""
    runs = sweep_runs(CONF, PAPERS[wildcards.paper])
    return [f"{run_folder(who)}/{name}" for who in runs for name in ("config.json", "scores.npz")]


def sweep_labels(wildcards):
    """What the sweep reads of the corpora of these runs."""
    paper = PAPERS[wildcards.paper]
    runs = sweep_runs(CONF, paper)
    corpora = dict.fromkeys(paper.settings.corpus_of(who.variant)[0] for who in runs)
    tables = ("clips.tsv", "weak.tsv", "strong.tsv")
    return [str(corpus_folder(CONF, paper, corpus) / table) for corpus in corpora for table in tables]


def write_configuration():
    """The resolved configuration as a file, so that each command of a run can be repeated by hand, word for word."""
    write_text(CONFIG_FILE, yaml.safe_dump(json.loads(CONF.model_dump_json(exclude_none=True)), sort_keys=False))


def report_failed_jobs(workflow_logs):
    """After a failure: the last line of every failed job's log, which names the culprit."""
    text = "".join(Path(path).read_text(encoding="utf-8") for path in workflow_logs)
    for path in dict.fromkeys(re.findall(r"log: (\S+) \(check log file", text)):
        lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).is_file() else []
        sys.stderr.write(f"{lines[-1] if lines else 'failed without a word'}\n    (whole log: {path})\n")
