"""The plan of the configured papers: `sedrepro.workflow`, which has the files, settings and code of every job."""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The project's own code, here and in every job, whatever is installed and wherever Snakemake was called.
PROJECT = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from sedrepro import workflow as plan
from sedrepro.base.errors import SedreproError
from sedrepro.corpora.survey import TABLES as SURVEY_TABLES
from sedrepro.corpora.tables import CORPUS_TABLES
from sedrepro.experiments.configuration import CONFIG_VARIABLE
from sedrepro.experiments.run_files import PSEUDO_LABELS, RUN_FILES
from sedrepro.steps.score import SCORE_FILES

try:
    PLAN = plan.Plan(plan.configured(config, PROJECT))
except SedreproError as error:
    raise WorkflowError(str(error)) from None

# Of GPUs here Snakemake starts only as many runs as their memory holds; which one a run gets the ledger says.
if PLAN.gpus and "gpu_mib" not in workflow.global_resources:
    workflow.register_resource("gpu_mib", PLAN.gpu_mib_here)

# Jobs get the configuration as a file that no other command can change. It is no parameter of theirs: what a job reads
# of it is. By hand the same words work with --scale and --set, or with this variable.
shell.prefix(
    f'export PYTHONPATH="{PROJECT / "src"}:$PYTHONPATH" {CONFIG_VARIABLE}="{PLAN.configuration_file.resolve()}";'
    " set -euo pipefail; "
)


wildcard_constraints:
    paper="|".join(PLAN.papers),
    owner="|".join(PLAN.data_sets),
    corpus=r"[\w-]+",
    variant=r"[\w-]+",
    system=r"[\w.-]+",
    table=r"\w+",
    figure=r"\w+",
    data_set=r"\w+",
    archive=r"\w+",
    fold=r"\d+",
    seed=r"\d+",


RUN_WORDS = (
    "--paper {wildcards.paper} --system {wildcards.system} --variant {wildcards.variant}"
    " --fold {wildcards.fold} --seed {wildcards.seed}"
)


def require_a_gpu():
    """Refuse what would train for years on this machine; on a cluster its nodes are asked, not the one that submits."""
    here = workflow.local_exec and not workflow.touch
    if here and any(job.rule.name == "train" for job in workflow.dag.needrun_jobs()):
        try:
            PLAN.require_a_gpu()
        except SedreproError as error:
            raise WorkflowError(str(error)) from None


def in_report(stem, endings, labels, **shown):
    """Files of one stem, shown by `snakemake --report`: their ending tells them apart beside labels(wildcards)."""

    def labelled(ending):
        return lambda wildcards: labels(wildcards) | {"format": ending.removeprefix(".")}

    return [report(f"{stem}{ending}", labels=labelled(ending), **shown) for ending in endings]


def table_labels(wildcards):
    """Name and title of a table."""
    return {"table": wildcards.table, "title": PLAN.papers[wildcards.paper].settings.tables[wildcards.table].title}


def figure_labels(wildcards):
    """Name and title of a figure."""
    return {"figure": wildcards.figure, "title": PLAN.papers[wildcards.paper].settings.figures[wildcards.figure].title}


def report_failed_jobs(workflow_logs):
    """After a failure: the last line of every failed job's log, which names the culprit."""
    text = "".join(Path(path).read_text(encoding="utf-8") for path in workflow_logs)
    for path in dict.fromkeys(re.findall(r"log: (\S+)(?:, \S+)* \(check log file", text)):
        lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).is_file() else []
        sys.stderr.write(f"{lines[-1] if lines else 'failed without a word'}\n    (whole log: {path})\n")
