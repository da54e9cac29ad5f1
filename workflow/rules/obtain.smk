"""Obtaining data. At miniature scale it is synthesised; other scales read `data_root`."""

if SCALE == "miniature":

    rule synthesise:
        input:
            code=code("corpora/miniature.py", "corpora/synthesis.py", "audio/writing.py"),
        output:
            LABELS.values(),
        log:
            f"{WORK}/logs/synthesise.log",
        benchmark:
            f"{WORK}/benchmarks/synthesise.tsv"
        conda:
            "../../envs/sedrepro.yaml"
        params:
            config=CONFIG_FILE,
            seed=CONF.miniature_seed,
        message:
            "Synthesising the miniature corpora"
        shell:
            "python -m sedrepro synthesise --config {params.config:q} > {log:q} 2>&1"
