"""Metrics of a run from its stored scores, and what a figure shows of one."""


rule score:
    input:
        multiext(f"{RUN}/", *RUN_FILES),
        reference=reference_events,
        code=score_code,
    output:
        multiext(f"{RUN}/", *SCORE_FILES),
    log:
        f"{WORK}/logs/{{paper}}/score/{{system}}/{{variant}}_fold{{fold}}_seed{{seed}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=score_settings,
    message:
        "Scoring {wildcards.system} on {wildcards.variant} (fold {wildcards.fold}, seed {wildcards.seed})"
    shell:
        f"python -m sedrepro score {RUN_WORDS} > {{log:q}} 2>&1"


rule examine:
    input:
        run=figure_files,
        code=lambda wildcards: [
            *code("reporting/figures.py"),
            *with_imports(SOURCE / "papers" / wildcards.paper / "figures.py", "reporting", "papers"),
        ],
    output:
        multiext(f"{RESULTS}/{{paper}}/figures/{{figure}}", ".npz", ".json"),
    log:
        f"{WORK}/logs/{{paper}}/examine_{{figure}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=figure_settings,
    message:
        "Looking into the run of {wildcards.figure}"
    shell:
        "python -m sedrepro examine --config {params.config:q} --paper {wildcards.paper} --figure {wildcards.figure}"
        " > {log:q} 2>&1"
