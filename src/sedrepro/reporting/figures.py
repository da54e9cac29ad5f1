"""Figures of the papers: look into a run once, store the arrays, draw them as often as needed.

A paper's `figures.py` offers `choose_clip`, `examine_<figure>` and `draw_<figure>`.
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.config import Config
from sedrepro.errors import DataError
from sedrepro.files import atomic_path, read_json, read_table, write_json
from sedrepro.runs import RunIdentity, build_network, corpus_folder, read_scores, store_folder
from sedrepro.settings import Paper


def _functions(paper: Paper) -> Any:
    return importlib.import_module(f"sedrepro.papers.{paper.name}.figures")


def _stem(config: Config, paper: Paper, figure: str) -> Path:
    """Path of a figure's files without their suffix; an unknown figure is an error."""
    paper.settings.figure_of(figure)
    return config.results_dir / config.scale / paper.name / "figures" / figure


def examine(config: Config, paper: Paper, figure: str, who: RunIdentity) -> Path:
    """Run a trained network on the clip that the paper's rule chooses; write `<figure>.npz` and `<figure>.json`."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from sedrepro.audio.store import FeatureStore

    folder, run = who.folder(config), paper.run(who.system)
    described, scores = read_json(folder / "config.json"), read_scores(folder)
    corpus = paper.settings.corpus_of(who.variant)[0]
    store = FeatureStore(store_folder(config, paper, corpus), run.front_end)
    network = build_network(paper, who.system, len(described["classes"]), 0)
    weights = folder / "weights.safetensors"
    try:
        network.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DataError(f"{weights}: cannot be read ({str(error).splitlines()[0]}); train this run again") from error
    functions = _functions(paper)
    clip = functions.choose_clip(scores["clip"], scores["targets"])
    filename = str(scores["filenames"][clip])
    raw = store.array(who.variant)[store.filenames.index(filename)].astype(np.float32)
    logmel = torch.from_numpy((raw - scores["mean"]) / scores["deviation"])[None]
    with torch.no_grad():
        arrays = getattr(functions, f"examine_{figure}")(network.eval(), logmel, clip, scores)
    stem = _stem(config, paper, figure)
    facts = {
        "filename": filename,
        "variant": who.variant,
        "scale": config.scale,
        "run": str(who.path),
        "classes": described["classes"],
        "front_end": run.front_end.model_dump(mode="json"),
        "events": _strong_labels(corpus_folder(config, paper, corpus) / "strong.tsv", filename),
    }
    with atomic_path(stem.with_suffix(".npz")) as temporary:
        np.savez_compressed(temporary, **arrays)
    write_json(stem.with_suffix(".json"), facts)
    return stem.with_suffix(".npz")


def _strong_labels(path: Path, filename: str) -> list[dict[str, Any]]:
    rows = read_table(path, ("filename", "onset", "offset", "event_label"))
    return [
        {"onset": float(r["onset"]), "offset": float(r["offset"]), "event_label": r["event_label"]}
        for r in rows
        if r["filename"] == filename
    ]


def draw(config: Config, paper: Paper, figure: str) -> Path:
    """Draw a figure from its stored arrays; write SVG and PNG, equal bytes for equal arrays."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({"svg.hashsalt": "sedrepro", "svg.fonttype": "none", "font.size": 9})
    stem = _stem(config, paper, figure)
    try:
        with np.load(stem.with_suffix(".npz")) as file:
            arrays = dict(file)
    except Exception as error:  # NumPy raises many kinds for a damaged file
        raise DataError(f"{stem}.npz: cannot be read ({error}); run the examine step again") from error
    drawn = getattr(_functions(paper), f"draw_{figure}")(arrays, read_json(stem.with_suffix(".json")))
    for suffix, metadata in ((".svg", {"Date": None}), (".png", {})):
        with atomic_path(stem.with_suffix(suffix)) as temporary:
            drawn.savefig(temporary, dpi=110, metadata=metadata)
    pyplot.close(drawn)
    return stem.with_suffix(".svg")
