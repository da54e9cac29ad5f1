"""Tables and figures."""


rule coverage:
    input:
        facts=lambda wildcards: [survey_file(name, "survey.json") for name in DATA_SETS[wildcards.owner]],
        tables=lambda wildcards: [survey_file(name, "coverage.tsv") for name in DATA_SETS[wildcards.owner]],
        code=code("reporting/coverage.py"),
    output:
        report(
            multiext(f"{RESULTS}/{{owner}}/coverage", ".csv", ".html"),
            category="{owner}",
            labels={"page": "coverage"},
            caption="../report/coverage.rst",
        ),
    log:
        f"{WORK}/logs/{{owner}}/coverage.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        names=lambda wildcards: DATA_SETS[wildcards.owner],
    message:
        "Counting which clips are there"
    shell:
        "python -m sedrepro coverage --config {params.config:q} --owner {wildcards.owner} > {log:q} 2>&1"


rule table:
    input:
        metrics=table_metrics,
        cells=lambda wildcards: str(cells_file(PAPERS[wildcards.paper], wildcards.table)),
        code=table_code,
    output:
        report(
            multiext(f"{RESULTS}/{{paper}}/tables/{{table}}", ".csv", ".md", ".html"),
            category="{paper}",
            subcategory="tables",
            labels={"table": "{table}"},
            caption="../report/table.rst",
        ),
    log:
        f"{WORK}/logs/{{paper}}/{{table}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=table_settings,
    message:
        "Writing {wildcards.table} of {wildcards.paper}"
    shell:
        "python -m sedrepro table --config {params.config:q} --paper {wildcards.paper} --table {wildcards.table} > {log:q} 2>&1"


rule figure:
    input:
        multiext(f"{RESULTS}/{{paper}}/figures/{{figure}}", ".npz", ".json"),
        code=lambda wildcards: code("reporting/pictures.py", f"papers/{wildcards.paper}/figures.py"),
    output:
        report(
            multiext(f"{RESULTS}/{{paper}}/figures/{{figure}}", ".svg", ".png"),
            category="{paper}",
            subcategory="figures",
            labels={"figure": "{figure}"},
            caption="../report/figure.rst",
        ),
    log:
        f"{WORK}/logs/{{paper}}/{{figure}}.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
    message:
        "Drawing {wildcards.figure} of {wildcards.paper}"
    shell:
        "python -m sedrepro figure --config {params.config:q} --paper {wildcards.paper} --figure {wildcards.figure}"
        " > {log:q} 2>&1"
