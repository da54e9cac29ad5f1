"""A small published table, runs to fill it with, and readers of what is rendered."""

import xml.etree.ElementTree as ElementTree

from sedrepro.annotations.clips import Coverage
from sedrepro.experiments.metrics_files import Detection, RunMetrics, Split
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.cells import Cell
from sedrepro.reporting.tables.html import to_html

HEADER = "model,system,variant,snr_db,metric,published,note"
ROWS = [
    "GAP,gap,remix_10db,10,micro_ap,0.7000,",
    "GAP,gap,remix_0db,0,micro_ap,0.6000,",
    "GMP,gmp,remix_10db,10,micro_ap,,none printed",
    "GMP,gmp,remix_0db,0,micro_ap,0.5000,",
]
LAYOUT = TableLayout(
    title="Table 9. Pooling",
    rows=["model"],
    columns=["snr_db", "metric"],
    names={"snr_db": "SNR {} dB", "micro_ap": "micro-p", "model": "network"},
)


def published(folder, *rows, header=HEADER):
    path = folder / "table9.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def cell(metric="micro_ap", value="0.7", system="gap", variant="remix_0db", label="GAP", **other):
    factors = other.pop("factors", {"snr_db": "0"})
    return Cell({"model": label}, system, variant, factors, metric, value, **other)


def class_cell(event_class, **other):
    return cell(metric="average_precision", factors={"event_class": event_class}, **other)


def detection(**metrics):
    """A way of detection with these metrics; the names of settings go there."""
    names = ("threshold", "median_seconds", "longest_gap_seconds", "shortest_seconds")
    settings = {name: metrics.pop(name, 0.5) for name in names}
    return Detection(settings=settings, metrics=metrics, class_metrics={})


def split(value=0.7, **other):
    parts = {
        "clips": 20,
        "metrics": {"micro_ap": value, "event_error_rate": value, "event_f1": value},
        "class_metrics": {"average_precision": {"Bus": value, "Gong": value}},
        "classes_without_events": [],
        "detections": {},
    }
    return Split(**(parts | other))


def run(value=0.7, system="gap", variant="remix_0db", fold=1, seed=1, **other):
    """A run; metrics, class_metrics and detections go to its only split, if no `splits` are given."""
    of_split = {key: other.pop(key) for key in ("metrics", "class_metrics", "detections") if key in other}
    settings = {
        "paper": "some_paper",
        "scale": "full",
        "clips": 80,
        "clips_expected": 80,
        "data": {"some_set": Coverage(expected=90, usable=80, fingerprint="f" * 64)},
        "classes": ["Bus", "Gong"],
        "splits": {"held_out": split(value, **of_split)},
    }
    return RunMetrics(system=system, variant=variant, fold=fold, seed=seed, **(settings | other))


def page(table, layout=LAYOUT):
    return ElementTree.fromstring(to_html(table, layout).replace("<!DOCTYPE html>\n", ""))


def texts(element, tag):
    return ["".join(found.itertext()) for found in element.iter(tag)]
