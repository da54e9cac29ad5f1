"""sedrepro: front door of the workflow. `snakemake --profile workflow/profiles/default` builds everything.

The scale decides data, budget and folds: `--config scale=miniature` (default), `scale=recordings data_root=DIR`,
`scale=full`. Other configuration keys: see config/README.md.
"""

from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/obtain.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/sweep.smk"


rule all:
    default_target: True
    input:
        [PLAN.paper_outputs(name) for name in PLAN.papers],
        multiext(PLAN.results("post_processing"), ".csv", ".md", ".html"),
        multiext(PLAN.results("comparison"), ".csv", ".md"),
        PLAN.results("index.html"),


rule data:
    input:
        PLAN.results("data", "coverage.html"),
        [PLAN.data_set_files(name) for name in PLAN.data_sets["data"]],


# Not while the files are read: a dry run writes nothing.
onstart:
    require_a_gpu()
    PLAN.write_configuration()
    end_with_the_reader()
    if workflow.local_exec:
        # Snakemake 9's limit on submissions wakes the scheduler after every pass, which makes the next one: each job
        # that has ended leaves one pass a second for good. Nothing is submitted here.
        workflow.scheduler.job_rate_limiter = None
        # Jobs of an environment of their own run in it.
        if not workflow.deployment_settings.deployment_method:
            os.environ.update(served_jobs())


onsuccess:
    report_left_out()


onerror:
    report_failed_jobs(log)
    # What is there is shown all the same.
    for verb in ("comparison", "claims", "page"):
        shell(f"python -m sedrepro {verb} > {PLAN.log(verb)} 2>&1 || true")
    report_left_out()


for name in PLAN.papers:

    rule:
        name:
            name
        input:
            PLAN.paper_outputs(name),


for name in PLAN.data_sets["data"]:

    rule:
        name:
            name
        input:
            PLAN.data_set_files(name),
