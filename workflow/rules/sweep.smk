"""Ways of post-processing, tried on the stored scores of all papers."""


rule sweep:
    input:
        scores=sweep_scores,
        labels=sweep_labels,
        code=SWEEP_CODE,
    output:
        f"{RESULTS}/{{paper}}/post_processing.csv",
    log:
        f"{WORK}/logs/{{paper}}/sweep.log",
    benchmark:
        f"{WORK}/benchmarks/{{paper}}/sweep.tsv"
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
    message:
        "Trying ways of post-processing on the scores of {wildcards.paper}"
    shell:
        "python -m sedrepro sweep --config {params.config:q} --paper {wildcards.paper} > {log:q} 2>&1"


rule sweep_table:
    input:
        parts=[part_file(CONF, name) for name in PAPERS],
        code=SWEEP_TABLE_CODE,
    output:
        in_report(
            f"{RESULTS}/post_processing",
            (".csv", ".md", ".html"),
            labels=lambda wildcards: {"table": "ways of post-processing"},
            category="post-processing",
            caption="../report/post_processing.rst",
        ),
    log:
        f"{WORK}/logs/sweep_table.log",
    conda:
        "../../envs/sedrepro.yaml"
    params:
        config=CONFIG_FILE,
    message:
        "Writing the table of ways of post-processing"
    shell:
        "python -m sedrepro sweep --config {params.config:q} > {log:q} 2>&1"
