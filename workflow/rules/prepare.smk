"""From official layouts to surveys, recipes, clips and labels tables."""


rule survey:
    input:
        labels=lambda wildcards: LABELS[wildcards.data_set],
        code=lambda wildcards: code("corpora/survey.py", f"corpora/{wildcards.data_set}.py", "audio/reading.py"),
    output:
        clips=f"{WORK}/surveys/{{data_set}}/clips.tsv",
        rejected=f"{WORK}/surveys/{{data_set}}/rejected.tsv",
        coverage=f"{WORK}/surveys/{{data_set}}/coverage.tsv",
    log:
        f"{WORK}/logs/survey_{{data_set}}.log",
    benchmark:
        f"{WORK}/benchmarks/survey_{{data_set}}.tsv"
    message:
        "Checking every clip of {wildcards.data_set}"
    shell:
        "python -m sedrepro survey --config {SEDREPRO} --data-set {wildcards.data_set} > {log} 2>&1"


def corpus_surveys(wildcards):
    """Surveys of the data sets of a corpus."""
    corpus = PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]
    return [f"{WORK}/surveys/{name}/clips.tsv" for name in (corpus.events, corpus.scenes)]


rule recipes:
    input:
        surveys=corpus_surveys,
        code=code("corpora/remix.py"),
    output:
        multiext(f"{WORK}/{{paper}}/corpora/{{corpus}}/", "recipes.tsv", "clips.tsv", "weak.tsv", "strong.tsv"),
    log:
        f"{WORK}/logs/{{paper}}/recipes_{{corpus}}.log",
    params:
        settings=lambda wildcards: compact(PAPERS[wildcards.paper].settings.corpora[wildcards.corpus]),
    message:
        "Drawing the recipes of {wildcards.corpus}"
    shell:
        "python -m sedrepro recipes --config {SEDREPRO} --paper {wildcards.paper} --corpus {wildcards.corpus}"
        " > {log} 2>&1"
