"""Obtaining data: synthesised for miniature and rehearsal, downloaded at full scale unless it lies in `data_root` already.

Archives and unpacked audio are no outputs, which Snakemake would delete before a job runs again; receipts are.
"""

if PLAN.config.scale in SYNTHESISED:

    rule synthesise:
        output:
            PLAN.work("synthesised", "{archive}.json"),
        log:
            PLAN.log("synthesise_{archive}"),
        priority: plan.PREPARING
        conda:
            "../../envs/sedrepro.yaml"
        threads: 2
        resources:
            mem_mb=megabytes(4000),
            runtime=minutes(30),
        params:
            seed=PLAN.config.miniature_seed,
            share=PLAN.config.share,
            code=plan.synthesis_code,
        message:
            "Synthesising {wildcards.archive}"
        shell:
            "python -m sedrepro synthesise --data-set {wildcards.archive} > {log:q} 2>&1"


if PLAN.config.scale == "full":

    rule obtain:
        output:
            f"{PLAN.config.receipts_dir}/{{data_set}}/{{file}}.json",
        log:
            PLAN.log("obtain", "{data_set}", "{file}"),
        wildcard_constraints:
            # Beside them lie receipts of clips that were taken from elsewhere, which nothing can make.
            data_set="|".join({source.data_set for source in PLAN.sources}),
            file="|".join({re.escape(source.file) for source in PLAN.sources}),
        priority: plan.PREPARING
        conda:
            "../../envs/sedrepro.yaml"
        resources:
            downloads=1,
            mem_mb=megabytes(4000),
            runtime=minutes(720),
        params:
            checksum=lambda wildcards: PLAN.source(wildcards).checksum,
            size=lambda wildcards: PLAN.source(wildcards).size,
        message:
            "Obtaining {wildcards.file} of {wildcards.data_set} ({params.size})"
        shell:
            # The progress goes to the terminal too, so that hours of transfer do not look like a halt.
            "python -m sedrepro obtain --data-set {wildcards.data_set} --file {wildcards.file:q} 2>&1 | tee {log:q}"
