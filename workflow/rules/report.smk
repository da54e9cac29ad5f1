"""Tables and figures."""

TABLE_MODULES = (
    "paper_tables",
    "cells",
    "layout",
    "tables",
    "values",
    "grid",
    "markdown",
    "html_table",
    "verdict",
    "metrics_files",
)
TABLE_CODE = code(*(f"reporting/{name}.py" for name in TABLE_MODULES))
TEXT_TABLE_CODE = code(
    *(
        f"reporting/{name}.py"
        for name in ("paper_tables", "cells", "layout", "text_tables", "grid", "markdown", "html_table")
    )
)


def table_code(wildcards):
    """What a table depends on; text is said by the paper's own code, the rest by the runs."""
    kind = PAPERS[wildcards.paper].settings.tables[wildcards.table].kind
    if kind == "text":
        said = with_imports(SOURCE / "papers" / wildcards.paper / "tables.py", "nn", "papers", "reporting.provenance")
        return [*TEXT_TABLE_CODE, *said, *network_code(wildcards)]
    return [*TABLE_CODE, *(code("reporting/claims.py") if kind == "claims" else [])]


def table_settings(wildcards):
    """Layout of a table; what text says of the settings, all of them may change."""
    paper = PAPERS[wildcards.paper]
    layout = paper.settings.tables[wildcards.table]
    said = f"{compact(paper.settings)} {paper.provenance}" if layout.kind == "text" else ""
    labels = [system.label for system in paper.settings.systems.values()] if layout.kind == "claims" else ""
    return f"{compact(layout)} {said} {labels}"


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
