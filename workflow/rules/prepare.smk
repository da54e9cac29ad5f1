"""From official layouts to surveys, recipes, and the clips and labels tables of corpora."""


rule survey:
    input:
        data=brought_by,
        code=survey_code,
    output:
        multiext(f"{WORK}/surveys/{{data_set}}/", *SURVEY_TABLES),
    log:
        f"{WORK}/logs/survey_{{data_set}}.log",
    benchmark:
        f"{WORK}/benchmarks/survey_{{data_set}}.tsv"
    conda:
        "../../envs/sedrepro.yaml"
    threads: 8
    params:
        config=CONFIG_FILE,
    message:
        "Checking every clip of {wildcards.data_set}"
    shell:
        "python -m sedrepro survey --config {params.config:q} --data-set {wildcards.data_set}"
        " --threads {threads} > {log:q} 2>&1"


rule recipes:
    input:
        surveys=corpus_surveys,
        code=code("corpora/remix.py"),
    output:
        f"{WORK}/{{paper}}/corpora/{{corpus}}/recipes.tsv",
    log:
        f"{WORK}/logs/{{paper}}/recipes_{{corpus}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=lambda wildcards: compact(PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]),
    message:
        "Drawing the recipe of {wildcards.corpus}"
    shell:
        "python -m sedrepro recipes --config {params.config:q} --paper {wildcards.paper} --corpus {wildcards.corpus}"
        " > {log:q} 2>&1"


rule corpus_tables:
    input:
        sources=corpus_sources,
        code=corpus_code,
    output:
        multiext(f"{WORK}/{{paper}}/corpora/{{corpus}}/", *CORPUS_TABLES),
    log:
        f"{WORK}/logs/{{paper}}/corpus_tables_{{corpus}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=lambda wildcards: compact(PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]),
    message:
        "Listing the clips and labels of {wildcards.corpus}"
    shell:
        "python -m sedrepro corpus-tables --config {params.config:q} --paper {wildcards.paper} --corpus {wildcards.corpus}"
        " > {log:q} 2>&1"
