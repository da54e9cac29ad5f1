"""Obtaining data: synthesised at miniature scale, downloaded at full scale unless it lies in `data_root` already.

Archives and unpacked audio are no outputs, which Snakemake would delete before a job runs again; receipts are.
"""

if SCALE == "miniature":

    rule synthesise:
        input:
            code=miniature_code,
        output:
            f"{WORK}/synthesised/{{archive}}.json",
        log:
            f"{WORK}/logs/synthesise_{{archive}}.log",
        benchmark:
            f"{WORK}/benchmarks/synthesise_{{archive}}.tsv"
        conda:
            "../../envs/sedrepro.yaml"
        threads: 2
        params:
            config=CONFIG_FILE,
            seed=CONF.miniature_seed,
        message:
            "Synthesising {wildcards.archive}"
        shell:
            "python -m sedrepro synthesise --config {params.config:q} --data-set {wildcards.archive} > {log:q} 2>&1"


if SCALE == "full":

    for source in SOURCES:

        rule:
            name:
                f"obtain_{source.data_set}_{source.file}"
            output:
                receipt_path(CONF, source),
            log:
                f"{WORK}/logs/obtain/{source.data_set}/{source.file}.log",
            benchmark:
                f"{WORK}/benchmarks/obtain/{source.data_set}/{source.file}.tsv"
            conda:
                "../../envs/sedrepro.yaml"
            resources:
                downloads=1,
                runtime=720,
            params:
                config=CONFIG_FILE,
                data_set=source.data_set,
                file=source.file,
                checksum=source.checksum,
            message:
                f"Obtaining {source.file} of {source.data_set} ({source.size})"
            shell:
                # The progress goes to the terminal too, so that hours of transfer do not look like a halt.
                "python -m sedrepro obtain --config {params.config:q} --data-set {params.data_set} --file {params.file:q}"
                " 2>&1 | tee {log:q}"
