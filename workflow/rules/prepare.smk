"""From official layouts to surveys, recipes, clips and labels tables."""


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
        multiext(f"{WORK}/{{paper}}/corpora/{{corpus}}/", "recipes.tsv", "clips.tsv", "weak.tsv", "strong.tsv"),
    log:
        f"{WORK}/logs/{{paper}}/recipes_{{corpus}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=lambda wildcards: compact(PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]),
    message:
        "Drawing the recipes of {wildcards.corpus}"
    shell:
        "python -m sedrepro recipes --config {params.config:q} --paper {wildcards.paper} --corpus {wildcards.corpus}"
        " > {log:q} 2>&1"
