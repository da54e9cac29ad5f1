"""Training: one job per run. Resume state lies outside the declared outputs, which Snakemake deletes after a failure."""


rule train:
    input:
        features=PLAN.run_features,
        labels=PLAN.training_labels,
        base=PLAN.training_base,
    output:
        PLAN.in_run(*RUN_FILES),
    log:
        PLAN.log("{paper}", "train", "{system}", "{variant}_fold{fold}_seed{seed}"),
    priority: PLAN.run_priority
    conda:
        "../../envs/sedrepro.yaml"
    threads: 1
    resources:
        gpu=1,
        gpu_mib=PLAN.gpu_mib,
        mem_mb=megabytes(24000),
        runtime=minutes(720),
    params:
        settings=PLAN.run_settings,
        code=PLAN.training_code,
    message:
        "Training {wildcards.system} on {wildcards.variant} (fold {wildcards.fold}, seed {wildcards.seed})"
    shell:
        f"python -m sedrepro train {RUN_WORDS} --threads {{threads}} > {{log:q}} 2>&1"


rule pseudo_labels:
    input:
        PLAN.in_run(*RUN_FILES),
        features=PLAN.run_features,
    output:
        PLAN.in_run(PSEUDO_LABELS),
    log:
        PLAN.log("{paper}", "pseudo_labels", "{system}", "{variant}_fold{fold}_seed{seed}"),
    priority: PLAN.run_priority
    conda:
        "../../envs/sedrepro.yaml"
    threads: 1
    resources:
        gpu=1,
        gpu_mib=PLAN.gpu_mib,
        mem_mb=megabytes(24000),
        runtime=minutes(60),
    params:
        settings=PLAN.run_settings,
        code=PLAN.network_code,
    message:
        "Asking {wildcards.system} for pseudo-labels on {wildcards.variant} (fold {wildcards.fold}, seed {wildcards.seed})"
    shell:
        f"python -m sedrepro pseudo-labels {RUN_WORDS} --threads {{threads}} > {{log:q}} 2>&1"
