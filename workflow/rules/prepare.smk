"""From official layouts to surveys, recipes, and the clips and labels tables of corpora."""


rule survey:
    input:
        PLAN.brought_by,
    output:
        [PLAN.survey_file("{data_set}", table) for table in SURVEY_TABLES],
    log:
        PLAN.log("survey_{data_set}"),
    priority: plan.PREPARING
    conda:
        "../../envs/sedrepro.yaml"
    threads: 8
    resources:
        mem_mb=megabytes(4000),
        runtime=minutes(120),
    params:
        code=plan.survey_code,
    message:
        "Checking every clip of {wildcards.data_set}"
    shell:
        "python -m sedrepro survey --data-set {wildcards.data_set} --threads {threads} > {log:q} 2>&1"


rule recipes:
    input:
        surveys=PLAN.corpus_surveys,
    output:
        PLAN.in_corpus("recipes.tsv"),
    log:
        PLAN.log("{paper}", "recipes_{corpus}"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        settings=PLAN.corpus_settings,
        code=lambda wildcards: plan.corpus_code(PLAN, wildcards, "recipes"),
    message:
        "Drawing the recipe of {wildcards.corpus}"
    shell:
        "python -m sedrepro recipes --paper {wildcards.paper} --corpus {wildcards.corpus} > {log:q} 2>&1"


rule corpus_tables:
    input:
        sources=PLAN.corpus_sources,
    output:
        PLAN.in_corpus(*CORPUS_TABLES),
    log:
        PLAN.log("{paper}", "corpus_tables_{corpus}"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        settings=PLAN.corpus_settings,
        code=lambda wildcards: plan.corpus_code(PLAN, wildcards, "corpus_tables"),
    message:
        "Listing the clips and labels of {wildcards.corpus}"
    shell:
        "python -m sedrepro corpus-tables --paper {wildcards.paper} --corpus {wildcards.corpus} > {log:q} 2>&1"
