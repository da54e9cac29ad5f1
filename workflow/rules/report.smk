"""Tables and figures."""


def table_metrics(wildcards):
    """Metrics files that a table reads."""
    runs = table_runs(CONF, PAPERS[wildcards.paper], wildcards.table)
    return [f"{run_folder(who)}/metrics.json" for who in runs]


rule table:
    input:
        metrics=table_metrics,
        cells=lambda wildcards: str(cells_file(PAPERS[wildcards.paper], wildcards.table)),
        code=code("reporting/tables.py", "reporting/verdict.py", "reporting/metrics_files.py"),
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
    params:
        layout=lambda wildcards: compact(PAPERS[wildcards.paper].settings.tables[wildcards.table]),
    message:
        "Writing {wildcards.table} of {wildcards.paper}"
    shell:
        "python -m sedrepro table --config {SEDREPRO} --paper {wildcards.paper} --table {wildcards.table} > {log} 2>&1"


rule figure:
    input:
        multiext(f"{RESULTS}/{{paper}}/figures/{{figure}}", ".npz", ".json"),
        code=lambda wildcards: code(f"papers/{wildcards.paper}/figures.py"),
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
    message:
        "Drawing {wildcards.figure} of {wildcards.paper}"
    shell:
        "python -m sedrepro figure --config {SEDREPRO} --paper {wildcards.paper} --figure {wildcards.figure}"
        " > {log} 2>&1"
