"""The plan of the configured papers: `sedrepro.workflow`, which has the files, settings and code of every job."""

import os
import re
import signal
import stat
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The project's own code, here and in every job, whatever is installed and wherever Snakemake was called.
PROJECT = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parents[1]
sys.path.insert(0, str(PROJECT / "src"))

from sedrepro import job_client, job_server
from sedrepro import workflow as plan
from sedrepro.base import job_costs
from sedrepro.base.errors import SedreproError
from sedrepro.corpora.survey import TABLES as SURVEY_TABLES
from sedrepro.corpora.tables import CORPUS_TABLES
from sedrepro.experiments.configuration import CONFIG_VARIABLE
from sedrepro.experiments.run_files import PSEUDO_LABELS, RUN_FILES
from sedrepro.experiments.scales import SYNTHESISED
from sedrepro.reporting.status.failed_jobs import failures
from sedrepro.steps.score import SCORE_FILES

try:
    PLAN = plan.Plan(plan.configured(config, PROJECT))
except SedreproError as error:
    raise WorkflowError(str(error)) from None

# A job on a node plans anew: data that have come meanwhile make another configuration than the one that was written.
if not workflow.is_main_process:
    PLAN.write_configuration()

# Of GPUs here Snakemake starts only as many runs as their memory holds; which one a run gets the ledger says.
if PLAN.gpus and "gpu_mib" not in workflow.global_resources:
    workflow.register_resource("gpu_mib", PLAN.gpu_mib_here)

# Jobs get the configuration as a file that no other command can change. It is no parameter of theirs: what a job reads
# of it is. By hand the same words work with --scale and --set, or with this variable.
shell.prefix(plan.job_prefix(PROJECT, {CONFIG_VARIABLE: PLAN.configuration_file, job_costs.VARIABLE: PLAN.costs_file}))


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


def end_with_the_reader():
    """Where nobody reads the output any more (make was killed), end as other programs do.

    Otherwise Snakemake fails to write that a job has ended, and waits for that job for ever.
    """
    if stat.S_ISFIFO(os.fstat(sys.stderr.fileno()).st_mode):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def megabytes(amount, miniature=4000):
    """Memory that a job asks a cluster for: `amount` at published sizes, more at every further attempt."""
    return _growing(miniature if PLAN.config.scale == "miniature" else amount)


def minutes(amount, miniature=30):
    """Time that a job asks a cluster for; a training that ran out of it goes on in its next attempt."""
    return _growing(miniature if PLAN.config.scale == "miniature" else amount)


def _growing(amount):
    return lambda wildcards, attempt: amount * attempt


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


def served_jobs():
    """The variable by which the jobs of this machine find the process that has everything imported."""
    socket = job_server.start()
    return {job_client.VARIABLE: socket} if socket else {}


def report_failed_jobs(workflow_logs):
    """After a failure: why each job failed, in a line that names the culprit."""
    for told in failures(map(Path, workflow_logs)):
        sys.stderr.write(f"{told}\n")


def report_left_out():
    """At the end: which data sets are not there, why, and what was left out without them."""
    for told in PLAN.left_out():
        sys.stderr.write(f"{told}\n")
