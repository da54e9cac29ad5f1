"""Tables and figures."""


rule coverage:
    input:
        facts=lambda wildcards: [survey_file(name, "survey.json") for name in DATA_SETS[wildcards.owner]],
        tables=lambda wildcards: [survey_file(name, "coverage.tsv") for name in DATA_SETS[wildcards.owner]],
        code=code("reporting/coverage.py"),
    output:
        in_report(
            f"{RESULTS}/{{owner}}/coverage",
            (".csv", ".html"),
            labels=lambda wildcards: {"page": "coverage"},
            category="{owner}",
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
        arrays=table_arrays,
        cells=lambda wildcards: str(cells_file(PAPERS[wildcards.paper], wildcards.table)),
        code=table_code,
    output:
        in_report(
            f"{RESULTS}/{{paper}}/tables/{{table}}",
            (".csv", ".md", ".html", ".tex"),
            labels=table_labels,
            category="{paper}",
            subcategory="tables",
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


rule comparison:
    input:
        tables=[str(table.path) for name in PAPERS for table in paper_tables(CONF, name)],
        code=code("reporting/comparison.py", "reporting/verdict.py", "reporting/markdown.py"),
    output:
        in_report(
            f"{RESULTS}/comparison",
            (".csv", ".md"),
            labels=lambda wildcards: {"table": "all cells, ours against published"},
            category="comparison",
            caption="../report/comparison.rst",
        ),
    log:
        f"{WORK}/logs/comparison.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
    message:
        "Comparing all cells with the published values"
    shell:
        "python -m sedrepro comparison --config {params.config:q} > {log:q} 2>&1"


rule claims:
    input:
        tables=claims_tables(),
        code=code("reporting/claims_file.py"),
    output:
        in_report(
            f"{RESULTS}/claims",
            (".csv",),
            labels=lambda wildcards: {"table": "claims of all papers"},
            category="comparison",
            caption="../report/claims.rst",
        ),
    log:
        f"{WORK}/logs/claims.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
    message:
        "Trying the claims of all papers"
    shell:
        "python -m sedrepro claims --config {params.config:q} > {log:q} 2>&1"


rule page:
    input:
        shown=page_inputs,
        code=PAGE_CODE,
    output:
        in_report(
            f"{RESULTS}/index",
            (".html",),
            labels=lambda wildcards: {"page": "all papers"},
            category="results page",
            caption="../report/page.rst",
        ),
    log:
        f"{WORK}/logs/page.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
        settings=page_settings,
    message:
        "Writing the results page"
    shell:
        "python -m sedrepro page --config {params.config:q} > {log:q} 2>&1"


rule figure:
    input:
        multiext(f"{RESULTS}/{{paper}}/figures/{{figure}}", ".npz", ".json"),
        code=lambda wildcards: code("reporting/pictures.py", f"papers/{wildcards.paper}/figures.py"),
    output:
        in_report(
            f"{RESULTS}/{{paper}}/figures/{{figure}}",
            (".svg", ".png"),
            labels=figure_labels,
            category="{paper}",
            subcategory="figures",
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
