"""sedrepro: front door of the workflow. `snakemake --profile workflow/profiles/default` builds everything.

The scale decides data, budget and folds: `--config scale=miniature` (default), `scale=recordings data_root=DIR`,
`scale=full`. Other configuration keys: see config/miniature.yaml and `sedrepro/experiments/configuration.py`.
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
        [paper_outputs(name) for name in PAPERS],
        multiext(f"{RESULTS}/post_processing", ".csv", ".md", ".html"),
        multiext(f"{RESULTS}/comparison", ".csv", ".md"),
        f"{RESULTS}/index.html",


rule data:
    input:
        f"{RESULTS}/data/coverage.html",
        [data_set_files(name) for name in DATA_SETS["data"]],


# Not while the files are read: a dry run must not change the configuration of a run in progress.
onstart:
    write_configuration()


onerror:
    report_failed_jobs(log)


for name in PAPERS:

    rule:
        name:
            name
        input:
            paper_outputs(name),


for name in DATA_SETS["data"]:

    rule:
        name:
            name
        input:
            data_set_files(name),
