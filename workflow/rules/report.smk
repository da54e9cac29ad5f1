"""Tables, figures, model cards, and what is over all papers."""


rule coverage:
    input:
        facts=lambda wildcards: [PLAN.survey_file(name, "survey.json") for name in PLAN.data_sets[wildcards.owner]],
        tables=lambda wildcards: [PLAN.survey_file(name, "coverage.tsv") for name in PLAN.data_sets[wildcards.owner]],
    output:
        in_report(
            PLAN.results("{owner}", "coverage"),
            plan.COVERAGE_FORMS,
            labels=lambda wildcards: {"page": "coverage"},
            category="{owner}",
            caption="../report/coverage.rst",
        ),
        licences=PLAN.results("{owner}", "data_licences.md"),
    log:
        PLAN.log("{owner}", "coverage"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        names=lambda wildcards: PLAN.data_sets[wildcards.owner],
        code=plan.step_code("coverage"),
    message:
        "Counting which clips are there"
    shell:
        "python -m sedrepro coverage --owner {wildcards.owner} > {log:q} 2>&1"


rule table:
    input:
        metrics=PLAN.table_metrics,
        arrays=PLAN.table_arrays,
    output:
        in_report(
            PLAN.results("{paper}", "tables", "{table}"),
            plan.TABLE_FORMS,
            labels=table_labels,
            category="{paper}",
            subcategory="tables",
            caption="../report/table.rst",
        ),
    log:
        PLAN.log("{paper}", "{table}"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        settings=PLAN.table_settings,
        code=PLAN.table_code,
    message:
        "Writing {wildcards.table} of {wildcards.paper}"
    shell:
        "python -m sedrepro table --paper {wildcards.paper} --table {wildcards.table} > {log:q} 2>&1"


rule figure:
    input:
        multiext(PLAN.results("{paper}", "figures", "{figure}"), ".npz", ".json"),
    output:
        in_report(
            PLAN.results("{paper}", "figures", "{figure}"),
            plan.FIGURE_FORMS,
            labels=figure_labels,
            category="{paper}",
            subcategory="figures",
            caption="../report/figure.rst",
        ),
    log:
        PLAN.log("{paper}", "{figure}"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        code=lambda wildcards: PLAN.figure_code(wildcards, "figure"),
    message:
        "Drawing {wildcards.figure} of {wildcards.paper}"
    shell:
        "python -m sedrepro figure --paper {wildcards.paper} --figure {wildcards.figure} > {log:q} 2>&1"


rule model_cards:
    input:
        PLAN.card_files,
    output:
        PLAN.results("{paper}", "model_cards.csv"),
    log:
        PLAN.log("{paper}", "model_cards"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        settings=lambda wildcards: PLAN.all_settings(wildcards.paper),
        code=plan.step_code("model_cards"),
    message:
        "Writing the model cards of {wildcards.paper}"
    shell:
        "python -m sedrepro model-cards --paper {wildcards.paper} > {log:q} 2>&1"


rule comparison:
    input:
        tables=PLAN.all_tables(),
    output:
        in_report(
            PLAN.results("comparison"),
            (".csv", ".md"),
            labels=lambda wildcards: {"table": "all cells, ours against published"},
            category="comparison",
            caption="../report/comparison.rst",
        ),
    log:
        PLAN.log("comparison"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        code=plan.step_code("comparison"),
    message:
        "Comparing all cells with the published values"
    shell:
        "python -m sedrepro comparison > {log:q} 2>&1"


rule claims:
    input:
        tables=PLAN.all_tables("claims"),
    output:
        in_report(
            PLAN.results("claims"),
            (".csv",),
            labels=lambda wildcards: {"table": "claims of all papers"},
            category="comparison",
            caption="../report/claims.rst",
        ),
    log:
        PLAN.log("claims"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        code=plan.step_code("claims"),
    message:
        "Testing the claims of all papers"
    shell:
        "python -m sedrepro claims > {log:q} 2>&1"


rule page:
    input:
        PLAN.page_inputs(),
    output:
        in_report(
            PLAN.results("index"),
            (".html",),
            labels=lambda wildcards: {"page": "all papers"},
            category="results page",
            caption="../report/page.rst",
        ),
    log:
        PLAN.log("page"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        settings=PLAN.all_settings(),
        code=plan.step_code("page"),
    message:
        "Writing the results page"
    shell:
        "python -m sedrepro page > {log:q} 2>&1"
