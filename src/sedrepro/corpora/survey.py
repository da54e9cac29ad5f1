"""Decode every clip of a data set once: which are usable, which are not, and why; its clips and labels tables.

A survey is a folder with these tab-separated tables, all of usable clips only unless said otherwise:

    clips.tsv                filename, split, fold, duration, sample_rate, channels, group
    weak.tsv                 filename, event_labels; an empty cell: known to hold no event; unlabelled clips have no row
    strong.tsv               filename, onset, offset, event_label; empty cells: strongly labelled, holds no event
    strong_as_released.tsv   the same with the official rows as they are
    rejected.tsv             clips that are not usable: filename, split, event_labels, problem, detail
    coverage.tsv             all clips: counts per split and class
    survey.json              counts, and the fingerprint of what is usable
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, Clip, Coverage, Event, join_labels, too_long
from sedrepro.audio.reading import AudioError, opened
from sedrepro.base.files import read_json, write_json, write_table
from sedrepro.base.parallel import ordered_map
from sedrepro.base.typed import load

REASONS = ("missing", "corrupt", "not readable", "empty", "silent", "not finite", "too long")
# Seconds by which a clip may fall short of its length, and an event end behind its clip, without being counted.
TOLERANCE = 0.1
CLIP_COLUMNS = ("filename", "split", "fold", "duration", "sample_rate", "channels", "group")
REJECTED_COLUMNS = ("filename", "split", "event_labels", "problem", "detail")
ALL_CLASSES = "(all)"
COVERAGE_COLUMNS = (
    *("split", "label", "expected", "present", "usable"),
    *REASONS,
    *("shorter", "sample_rates", "channels"),
)
TABLES = (
    *("clips.tsv", "weak.tsv", "strong.tsv", "strong_as_released.tsv"),
    *("rejected.tsv", "coverage.tsv", "survey.json"),
)


@dataclass(frozen=True)
class Surveyed:
    """A listed clip and what decoding it showed."""

    clip: Clip
    duration: float = 0.0
    """Seconds."""
    sample_rate: int = 0
    """Hz."""
    channels: int = 0
    problem: str = ""
    """One of REASONS, or empty for a usable clip."""
    detail: str = ""


class SurveyFacts(Coverage):
    """What survey.json holds."""

    data_set: str
    clip_seconds: float
    shorter: int
    rejected: dict[str, int]
    events: int
    events_as_released: int
    events_past_the_end: int
    silent_and_used: int


def survey(
    data_root: Path, listed: Sequence[Clip], title: str, use_silent: bool = False, threads: int = 1
) -> list[Surveyed]:
    """Decode every listed clip; nothing is raised for a bad one, its `problem` says what it is.

    A digitally silent clip has no level to mix it at, but it is as good a test clip as another (`use_silent`).
    """

    def examine(clip: Clip) -> Surveyed:
        return _examine(data_root, clip, use_silent)

    return list(ordered_map(examine, listed, threads, title, len(listed)))


def _examine(data_root: Path, clip: Clip, use_silent: bool) -> Surveyed:
    length, silent = 0, True
    try:
        with opened(data_root / clip.filename) as sound:
            for block in sound.blocks:
                length, silent = length + len(block), silent and not block.any()
    except AudioError as error:
        return Surveyed(clip, problem=error.problem, detail=error.reason)
    facts = (round(length / sound.rate, 6), sound.rate, sound.channels)
    if silent:
        return Surveyed(clip, *facts, "" if use_silent else "silent", "digitally silent")
    if detail := too_long(clip.filename, facts[0]):
        return Surveyed(clip, *facts, "too long", detail)
    return Surveyed(clip, *facts)


def write_survey(folder: Path, data_set: str, clip_seconds: float, surveyed: Sequence[Surveyed]) -> SurveyFacts:
    """Write the tables of a survey to `folder`; returns what survey.json holds."""
    usable, rejected = [s for s in surveyed if not s.problem], [s for s in surveyed if s.problem]
    tables = {
        "clips.tsv": (CLIP_COLUMNS, [_clip_row(s) for s in usable]),
        "weak.tsv": (WEAK_COLUMNS, [(s.clip.filename, _labels(s.clip)) for s in usable if s.clip.labels is not None]),
        "strong.tsv": (STRONG_COLUMNS, _strong_rows((s.clip.filename, s.clip.events) for s in usable)),
        "strong_as_released.tsv": (
            STRONG_COLUMNS,
            _strong_rows((s.clip.filename, s.clip.events_as_released) for s in usable),
        ),
    }
    fingerprint = hashlib.sha256(repr(tables).encode()).hexdigest()
    tables["rejected.tsv"] = (
        REJECTED_COLUMNS,
        [(s.clip.filename, s.clip.split, _labels(s.clip), s.problem, s.detail) for s in rejected],
    )
    tables["coverage.tsv"] = (COVERAGE_COLUMNS, coverage(surveyed, clip_seconds))
    for name, (columns, rows) in tables.items():
        write_table(folder / name, columns, rows)
    facts = _facts(data_set, clip_seconds, surveyed, fingerprint)
    write_json(folder / "survey.json", facts.model_dump())
    return facts


def read_survey_facts(folder: Path) -> SurveyFacts:
    """What the survey in `folder` found.

    Raises:
        DataError: survey.json is missing or no JSON.
        SettingsError: it lacks a key.
    """
    path = folder / "survey.json"
    return load(SurveyFacts, read_json(path), str(path))


def read_coverage(folder: Path) -> Coverage:
    """How much of a data set is there, from its survey."""
    facts = read_survey_facts(folder)
    return Coverage(expected=facts.expected, usable=facts.usable, fingerprint=facts.fingerprint)


def _clip_row(s: Surveyed) -> tuple:
    return s.clip.filename, s.clip.split, s.clip.fold, s.duration, s.sample_rate, s.channels, s.clip.group


def _labels(clip: Clip) -> str:
    return join_labels(clip.labels or ())


def _strong_rows(annotated: Iterable[tuple[str, tuple[Event, ...] | None]]) -> list[tuple]:
    rows: list[tuple] = []
    for filename, events in annotated:
        if events is not None:
            found = [(filename, e.onset, e.offset, e.event_label) for e in events]
            rows += found or [(filename, "", "", "")]
    return rows


def _facts(data_set: str, clip_seconds: float, surveyed: Sequence[Surveyed], fingerprint: str) -> SurveyFacts:
    usable = [s for s in surveyed if not s.problem]
    problems = Counter(s.problem for s in surveyed if s.problem)
    return SurveyFacts(
        data_set=data_set,
        expected=len(surveyed),
        usable=len(usable),
        fingerprint=fingerprint,
        clip_seconds=clip_seconds,
        shorter=sum(_is_shorter(s, clip_seconds) for s in usable),
        rejected={reason: problems[reason] for reason in REASONS if problems[reason]},
        events=sum(len(s.clip.events or ()) for s in usable),
        events_as_released=sum(len(s.clip.events_as_released or ()) for s in usable),
        events_past_the_end=sum(e.offset > s.duration + TOLERANCE for s in usable for e in s.clip.events or ()),
        silent_and_used=sum(bool(s.detail) for s in usable),
    )


def _is_shorter(s: Surveyed, clip_seconds: float) -> bool:
    return s.duration < clip_seconds - TOLERANCE


def coverage(surveyed: Sequence[Surveyed], clip_seconds: float) -> list[tuple[Any, ...]]:
    """Per split, one row per class and one for all: how many are expected, usable, and not usable for which reason."""
    rows = []
    for split in dict.fromkeys(s.clip.split for s in surveyed):
        of_split = [s for s in surveyed if s.clip.split == split]
        of_label: dict[str, list[Surveyed]] = {}
        for s in of_split:
            for label in s.clip.labels or ():
                of_label.setdefault(label, []).append(s)
        groups = [*sorted(of_label.items()), (ALL_CLASSES, of_split)]
        rows += [_coverage_row(split, label, group, clip_seconds) for label, group in groups]
    return rows


def _coverage_row(split: str, label: str, group: list[Surveyed], clip_seconds: float) -> tuple:
    problems = Counter(s.problem for s in group)
    usable = [s for s in group if not s.problem]
    return (
        *(split, label, len(group), len(group) - problems["missing"], len(usable)),
        *(problems[reason] for reason in REASONS),
        sum(_is_shorter(s, clip_seconds) for s in usable),
        _counted(f"{s.sample_rate} Hz" for s in usable),
        _counted(f"{s.channels} ch" for s in usable),
    )


def _counted(values: Iterable[str]) -> str:
    """How often each value occurs: `32000 Hz: 5, 44100 Hz: 2`."""
    return ", ".join(f"{value}: {count}" for value, count in sorted(Counter(values).items()))
