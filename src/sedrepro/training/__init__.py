"""Training: devices, seeds, resident data, the loop and its resume state. No librosa, sed_eval or snakemake here."""
