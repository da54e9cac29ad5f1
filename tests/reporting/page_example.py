"""A results folder with one paper in it, small and made up, and the page over it."""

import csv
import json
import zlib
from itertools import cycle
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

from sedrepro.evaluation.sweep import METRICS, WAYS
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import sweep_part
from sedrepro.experiments.run_config import RunConfig, write_run_config
from sedrepro.published.cells import read_cells, read_text_cells
from sedrepro.published.needs import cells_file
from sedrepro.published.verdict import VerdictName
from sedrepro.reporting.claims.claims_file import COLUMNS as CLAIM_COLUMNS
from sedrepro.reporting.sweep.parts import PART_COLUMNS
from sedrepro.reporting.tables.coverage import COLUMNS as COVERAGE_COLUMNS
from sedrepro.reporting.tables.files import write
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.text import CodeText, fill_text

PAPER = "hierarchical_pooling"
#: What must never be taken for markup.
NASTY = 'a < b & "c" </script><b id="top">'
OUTCOMES = ("holds", "fails", "undecided", "cannot be tested")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="300"><rect width="800" height="300"/></svg>'


def configured(folder: Path) -> Config:
    return Config(scale="full", folds=[1], seeds=[1], work_dir=folder / "data", results_dir=folder / "results")


def fill_results(config: Config) -> Paper:
    """Write results of one paper: tables with every verdict, figures, claims, coverage, runs, part of the sweep."""
    paper = load_paper(PAPER, config)
    folder = config.results_dir / config.scale / PAPER
    for name in paper.settings.tables:
        write_table(config, paper, name)
    for name in paper.settings.figures:
        picture = folder / "figures" / f"{name}.svg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(SVG)
    write_rows(folder / "coverage.csv", COVERAGE_COLUMNS, [coverage_row("(all)", 50), coverage_row("Bus", 20)])
    write_rows(folder.parent / "claims.csv", CLAIM_COLUMNS, [claim(PAPER, outcome) for outcome in OUTCOMES])
    for seed, memory in ((1, 300), (2, 400)):
        write_run(folder, "linear_single", seed, peak_memory_mib=memory)
    rows = [(PAPER, "linear_single", "dcase2017", 0, 1, "testing", w, m, 0.5, "") for w in WAYS for m in METRICS]
    write_rows(sweep_part(config, PAPER), PART_COLUMNS, [dict(zip(PART_COLUMNS, row, strict=True)) for row in rows])
    return paper


def write_table(config: Config, paper: Paper, name: str) -> None:
    """A table of numbers or texts; its verdicts are all there are, in turn, whatever its numbers."""
    layout, path = paper.settings.tables[name], cells_file(paper, name)
    if layout.kind == "claims":
        return
    if layout.kind == "text":
        cells = read_text_cells(path)
        table = fill_text(cells, [CodeText(NASTY, "reproduced")] * len(cells), config.scale)
    else:
        table = fill(read_cells(path), [], config.scale)
        table.rows[["mean", "sd", "low", "high"]] = 0.5, 0.125, 0.25, 0.75
        table.rows["runs"] = 3
        table.rows["verdict"] = [name for name, _ in zip(cycle(get_args(VerdictName)), table.rows.index, strict=False)]
        table.rows.loc[0, "note"] = NASTY
    write(table, layout, config.results_dir / config.scale / paper.name / "tables" / name)


def coverage_row(label: str, usable: int) -> dict:
    counts = dict.fromkeys(COVERAGE_COLUMNS, "0")
    return counts | {
        **{"data_set": "dcase2017_task4", "split": "testing", "label": label, "expected": "60"},
        **{"usable": str(usable), "sample_rates": NASTY, "channels": "1 ch", "fingerprint": "f" * 64},
    }


def claim(paper: str, outcome: str, **other: str) -> dict:
    values = dict.fromkeys(CLAIM_COLUMNS, "") | {
        **{"paper": paper, "id": outcome, "said_in": "Section 4", "claim": f"{outcome}: {NASTY}", "ours": "0.5 (3)"},
        **{"metric": "segment_f1", "variant": "dcase2017", "scale": "full", "outcome": outcome, "quote": NASTY},
        **{"published_support": "no", "support_reason": "Table 2 prints the contrary", "note": "a note"},
    }
    return values | other


def write_run(folder: Path, system: str, seed: int, **other: object) -> None:
    run = folder / "runs" / system / "dcase2017" / "fold0" / f"seed{seed}"
    run.mkdir(parents=True, exist_ok=True)
    environment = {
        **{"sedrepro": "1.2.3", "commit": None, "device": NASTY, "threads": 1, "seconds": 90.5},
        **{"peak_memory_mib": 300, "peak_gpu_memory_mib": None},
    }
    (run / "environment.json").write_text(json.dumps(environment | other))
    settings = {"settings": {}, "corpus": {}, "mixed_precision": "off", "tf32": False, "classes": ["Bus"], "data": {}}
    described = RunConfig(
        **{"paper": PAPER, "system": system, "variant": "dcase2017", "fold": 0, "seed": seed, "scale": "miniature"},
        **{"budget": "cpu", "clips": 40, "clips_expected": 41, "parameters": 12345, "features_fingerprint": "e" * 64},
        **settings,
    )
    write_run_config(run, described)


def write_rows(path: Path, columns, rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def parsed(path: Path) -> ElementTree.Element:
    """The page as a tree: it is well-formed XML, too."""
    return ElementTree.fromstring(path.read_text(encoding="utf-8").replace("<!DOCTYPE html>\n", ""))


def png(width: int, height: int) -> bytes:
    """A black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return len(data).to_bytes(4) + kind + data + checksum.to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
