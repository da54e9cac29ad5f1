"""Features, and audio on request."""


rule features:
    input:
        tables=PLAN.in_corpus("clips.tsv", "weak.tsv"),
        sources=PLAN.corpus_sources,
    output:
        directory(PLAN.work("{paper}", "features", "{corpus}")),
    log:
        PLAN.log("{paper}", "features_{corpus}"),
    priority: plan.PREPARING
    conda:
        "../../envs/sedrepro.yaml"
    threads: 16
    resources:
        gpu=1,
        mem_mb=megabytes(32000),
        runtime=minutes(240),
    params:
        settings=PLAN.feature_settings,
        code=lambda wildcards: plan.corpus_code(PLAN, wildcards, "features"),
    message:
        "Extracting the features of {wildcards.corpus}"
    shell:
        "python -m sedrepro features --paper {wildcards.paper} --corpus {wildcards.corpus} --threads {threads}"
        " > {log:q} 2>&1"


rule remix_audio:
    """WAV files of every corpus variant, for listening; for one variant ask for its folder by name."""
    input:
        PLAN.audio_folders(),


rule render_audio:
    input:
        recipes=lambda wildcards: PLAN.corpus_table(wildcards, "recipes.tsv"),
    output:
        directory(PLAN.work("{paper}", "audio", "{variant}")),
    log:
        PLAN.log("{paper}", "render_audio_{variant}"),
    priority: plan.PREPARING
    conda:
        "../../envs/sedrepro.yaml"
    threads: 16
    resources:
        mem_mb=megabytes(8000),
        runtime=minutes(240),
    params:
        settings=PLAN.feature_settings,
        code=plan.step_code("remix_audio"),
    message:
        "Writing the mixtures of {wildcards.variant} as WAV files"
    shell:
        "python -m sedrepro remix-audio --paper {wildcards.paper} --variant {wildcards.variant} --threads {threads}"
        " > {log:q} 2>&1"
