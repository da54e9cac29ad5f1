"""Metrics of a run from its stored scores, and what a figure shows of one."""


rule score:
    input:
        PLAN.in_run(*RUN_FILES),
        tables=lambda wildcards: [PLAN.corpus_table(wildcards, name) for name in CORPUS_TABLES],
    output:
        PLAN.in_run(*SCORE_FILES),
    log:
        PLAN.log("{paper}", "score", "{system}", "{variant}_fold{fold}_seed{seed}"),
    priority: PLAN.run_priority
    conda:
        "../../envs/sedrepro.yaml"
    resources:
        mem_mb=megabytes(8000),
        runtime=minutes(60),
    params:
        settings=PLAN.score_settings,
        code=PLAN.score_code,
    message:
        "Scoring {wildcards.system} on {wildcards.variant} (fold {wildcards.fold}, seed {wildcards.seed})"
    shell:
        f"python -m sedrepro score {RUN_WORDS} > {{log:q}} 2>&1"


rule examine:
    input:
        PLAN.figure_files,
    output:
        multiext(PLAN.results("{paper}", "figures", "{figure}"), ".npz", ".json"),
    log:
        PLAN.log("{paper}", "examine_{figure}"),
    priority: plan.PREPARING
    conda:
        "../../envs/sedrepro.yaml"
    resources:
        mem_mb=megabytes(8000),
        runtime=minutes(60),
    params:
        settings=PLAN.figure_settings,
        code=lambda wildcards: PLAN.figure_code(wildcards, "examine"),
    message:
        "Looking into the runs of {wildcards.figure}"
    shell:
        "python -m sedrepro examine --paper {wildcards.paper} --figure {wildcards.figure} > {log:q} 2>&1"
