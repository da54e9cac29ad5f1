"""Decode every recording of a data set once: which are usable, which are not, and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sedrepro.audio.reading import AudioError, read_mono, root_mean_square
from sedrepro.files import write_table
from sedrepro.parallel import ordered_map, usable_cores

REASONS = ("missing", "corrupt", "empty", "silent", "not finite")


@dataclass(frozen=True)
class Recording:
    """One recording as its data set lists it, and what decoding it showed."""

    filename: str
    """Path below the data root."""
    label: str
    group: str
    """Fold of an event clip, place of a scene."""
    duration: float = 0.0
    """Seconds."""
    sample_rate: int = 0
    """Hz."""
    problem: str = ""
    """One of REASONS, or empty for a usable recording."""
    detail: str = ""


def survey(data_root: Path, listed: Sequence[Recording], title: str) -> list[Recording]:
    """Decode every listed recording; nothing is raised for a bad one, its `problem` says what it is."""
    return list(ordered_map(lambda r: _examine(data_root, r), listed, usable_cores(), title, len(listed)))


def _examine(data_root: Path, listed: Recording) -> Recording:
    try:
        samples, rate = read_mono(data_root / listed.filename)
    except AudioError as error:
        problem = next((r for r in REASONS if error.reason.startswith(r)), "not finite")
        return replace(listed, problem=problem, detail=error.reason)
    duration = round(len(samples) / rate, 6)
    problem = "" if root_mean_square(samples) > 0 else "silent"
    detail = "digitally silent" if problem else ""
    return replace(listed, duration=duration, sample_rate=rate, problem=problem, detail=detail)


def write_survey(folder: Path, recordings: Sequence[Recording]) -> None:
    """Write `clips.tsv` (usable), `rejected.tsv` (with reasons) and `coverage.tsv` (counts per class) to `folder`."""
    usable = [r for r in recordings if not r.problem]
    write_table(
        folder / "clips.tsv",
        CLIP_COLUMNS,
        [(r.filename, r.label, r.group, r.duration, r.sample_rate) for r in usable],
    )
    write_table(
        folder / "rejected.tsv",
        ("filename", "label", "problem", "detail"),
        [(r.filename, r.label, r.problem, r.detail) for r in recordings if r.problem],
    )
    write_table(folder / "coverage.tsv", COVERAGE_COLUMNS, coverage(recordings))


CLIP_COLUMNS = ("filename", "label", "group", "duration", "sample_rate")
ALL_CLASSES = "(all)"
COVERAGE_COLUMNS = ("label", "expected", "usable", *REASONS, "shorter_than_2s", "sample_rates")


def coverage(recordings: Sequence[Recording]) -> list[tuple]:
    """One row per class and one for all: how many are expected, usable, and not usable for which reason."""
    labels = sorted({r.label for r in recordings})
    groups = [(label, [r for r in recordings if r.label == label]) for label in labels]
    return [_coverage_row(label, rows) for label, rows in [*groups, (ALL_CLASSES, list(recordings))]]


def _coverage_row(label: str, rows: list[Recording]) -> tuple:
    problems = Counter(r.problem for r in rows)
    usable = [r for r in rows if not r.problem]
    rates = Counter(r.sample_rate for r in usable)
    return (
        label,
        len(rows),
        len(usable),
        *(problems[reason] for reason in REASONS),
        sum(r.duration < 2 for r in usable),
        ", ".join(f"{rate} Hz: {count}" for rate, count in sorted(rates.items())),
    )
