"""Features, and audio on request."""


rule features:
    input:
        tables=multiext(f"{WORK}/{{paper}}/corpora/{{corpus}}/", "clips.tsv", "weak.tsv"),
        sources=corpus_sources,
        code=feature_code,
    output:
        directory(f"{WORK}/{{paper}}/features/{{corpus}}"),
    log:
        f"{WORK}/logs/{{paper}}/features_{{corpus}}.log",
    benchmark:
        f"{WORK}/benchmarks/{{paper}}/features_{{corpus}}.tsv"
    conda:
        "../../envs/sedrepro.yaml"
    threads: 16
    resources:
        gpu=1,
    params:
        config=CONFIG_FILE,
        settings=feature_settings,
    message:
        "Extracting the features of {wildcards.corpus}"
    shell:
        "python -m sedrepro features --config {params.config:q} --paper {wildcards.paper} --corpus {wildcards.corpus}"
        " --threads {threads} > {log:q} 2>&1"


rule remix_audio:
    """WAV files of every corpus variant, for listening; for one variant ask for its folder by name."""
    input:
        audio_folders(),


rule render_audio:
    input:
        recipes=lambda wildcards: f"{WORK}/{wildcards.paper}/corpora/{corpus_of(wildcards)}/recipes.tsv",
        code=code("corpora/mixing.py", "audio/reading.py", "audio/containers.py", "audio/writing.py"),
    output:
        directory(f"{WORK}/{{paper}}/audio/{{variant}}"),
    log:
        f"{WORK}/logs/{{paper}}/render_audio_{{variant}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    threads: 16
    params:
        config=CONFIG_FILE,
    message:
        "Writing the mixtures of {wildcards.variant} as WAV files"
    shell:
        "python -m sedrepro remix-audio --config {params.config:q} --paper {wildcards.paper} --variant {wildcards.variant}"
        " --threads {threads} > {log:q} 2>&1"
