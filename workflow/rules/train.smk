"""Training: one job per run. Resume state lies outside the declared outputs, which Snakemake deletes after a failure."""

RUN = f"{RESULTS}/{{paper}}/runs/{{system}}/{{variant}}/fold{{fold}}/seed{{seed}}"
RUN_WORDS = (
    "--config {params.config:q} --paper {wildcards.paper} --system {wildcards.system} --variant {wildcards.variant}"
    " --fold {wildcards.fold} --seed {wildcards.seed}"
)


rule train:
    input:
        features=run_features,
        labels=training_labels,
        base=training_base,
        network=network_code,
        code=training_code,
    output:
        multiext(f"{RUN}/", *RUN_FILES),
    log:
        f"{WORK}/logs/{{paper}}/train/{{system}}/{{variant}}_fold{{fold}}_seed{{seed}}.log",
    benchmark:
        f"{WORK}/benchmarks/{{paper}}/train/{{system}}/{{variant}}_fold{{fold}}_seed{{seed}}.tsv"
    conda:
        "../../envs/sedrepro.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        config=CONFIG_FILE,
        settings=lambda wildcards: compact(PAPERS[wildcards.paper].run(wildcards.system, wildcards.variant)),
        machine=lambda wildcards: [CONF.mixed_precision, CONF.tf32, stores_frames(CONF, PAPERS[wildcards.paper])],
    message:
        "Training {wildcards.system} on {wildcards.variant} (fold {wildcards.fold}, seed {wildcards.seed})"
    shell:
        f"python -m sedrepro train {RUN_WORDS} --threads {{threads}} > {{log:q}} 2>&1"


rule pseudo_labels:
    input:
        multiext(f"{RUN}/", *RUN_FILES),
        features=run_features,
        network=network_code,
    output:
        f"{RUN}/{PSEUDO_LABELS}",
    log:
        f"{WORK}/logs/{{paper}}/pseudo_labels/{{system}}/{{variant}}_fold{{fold}}_seed{{seed}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        config=CONFIG_FILE,
    message:
        "Asking {wildcards.system} for pseudo-labels on {wildcards.variant} (fold {wildcards.fold}, seed {wildcards.seed})"
    shell:
        f"python -m sedrepro pseudo-labels {RUN_WORDS} --threads {{threads}} > {{log:q}} 2>&1"
