"""Ways of post-processing on the scores of all papers; what is counted of a run is counted when it is scored."""


rule sweep:
    input:
        PLAN.sweep_counts,
    output:
        PLAN.results("{paper}", "post_processing.csv"),
    log:
        PLAN.log("{paper}", "sweep"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        code=plan.step_code("sweep"),
    message:
        "Writing the ways of post-processing of {wildcards.paper}"
    shell:
        "python -m sedrepro sweep --paper {wildcards.paper} > {log:q} 2>&1"


rule sweep_table:
    input:
        parts=[PLAN.results(name, "post_processing.csv") for name in PLAN.papers],
    output:
        in_report(
            PLAN.results("post_processing"),
            (".csv", ".md", ".html"),
            labels=lambda wildcards: {"table": "ways of post-processing"},
            category="post-processing",
            caption="../report/post_processing.rst",
        ),
    log:
        PLAN.log("sweep_table"),
    priority: plan.PREPARING
    localrule: True  # takes a second
    conda:
        "../../envs/sedrepro.yaml"
    params:
        code=plan.step_code("sweep_table"),
    message:
        "Writing the table of ways of post-processing"
    shell:
        "python -m sedrepro sweep-table > {log:q} 2>&1"
