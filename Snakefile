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


onerror:
    report_failed_jobs(log)


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
