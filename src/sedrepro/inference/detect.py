"""The step behind `python -m sedrepro detect`: recordings in; events and a picture of each out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sedrepro import __version__
from sedrepro.annotations.clips import STRONG_COLUMNS, Event
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import atomic_folder, shown_name, write_json, write_table
from sedrepro.experiments.run_view import RunView
from sedrepro.inference.choice import Way
from sedrepro.inference.listener import Heard, Listener, detected_events, listener_of
from sedrepro.inference.picture import draw_recording
from sedrepro.inference.recordings import Recording, each_recording, open_recording
from sedrepro.reporting.figures.pictures import save_picture

TABLE, RECORD, PICTURE = "events.tsv", "events.json", "events"
#: The files of each format, beside the picture.
FORMATS = {"tsv": (TABLE,), "json": (RECORD,), "both": (TABLE, RECORD)}
#: A folder that holds anything else is not replaced.
FILES = {TABLE, RECORD, f"{PICTURE}.svg", f"{PICTURE}.png"}
WARNINGS = {
    "miniature": "a miniature model: a narrow network trained on synthesised sounds, to show that the software works; "
    "its events mean nothing",
    "rehearsal": "a rehearsal: it was trained for three steps only and has learned nothing; its events mean nothing",
    "recordings": "trained on a part of the data, or on other recordings in the same layout: not a reproduction",
}
"""By scale, what keeps its events from being used."""
COLUMNS = (*STRONG_COLUMNS, "mean_score", "largest_score")


def detect(
    run: RunView,
    clips: Sequence[Path],
    output: Path,
    way: Way,
    form: str = "both",
    log: Callable[[str], None] = print,
) -> None:
    """Write the events that a run finds in recordings; see `detect_with`.

    Raises:
        DataError: the run cannot be used; or see `detect_with`.
        SettingsError: see `detect_with`.
    """
    detect_with(listener_of(run), run_facts(run, way), clips, output, way, form, log)


def detect_with(
    listener: Listener,
    facts: dict[str, Any],
    clips: Sequence[Path],
    output: Path,
    way: Way,
    form: str = "both",
    log: Callable[[str], None] = print,
) -> None:
    """Write the events of recordings to `output/<name of the recording>/`; one that fails writes none.

    `facts` say in events.json who found them, with a warning where they should not be used. Each folder holds
    events.tsv and events.json, or one of them, and a picture as PNG and SVG.

    Raises:
        DataError: after all others are done, some recordings could not be read or written (counts them).
        SettingsError: there is no such format.
    """
    if form not in FORMATS:
        raise SettingsError(f"format '{form}' is unknown; {did_you_mean(form, FORMATS)}")
    if facts["warning"]:
        log(f"warning: {facts['warning']}")
    if way.note:
        log(f"detection '{way.name}': {way.note}")
    each_recording(clips, output, lambda clip, target: _one(listener, facts, clip, target, way, form), "used", log)


def run_facts(run: RunView, way: Way) -> dict[str, Any]:
    """Which run and which way of detection events come from, for events.json."""
    described = run.config.model_dump(mode="json", include={"scale", "budget", "features_fingerprint"})
    how = {"name": way.name, "kind": way.how.kind} | ({"note": way.note} if way.note else {})
    chosen = {"settings": way.detector.settings, "class_settings": way.detector.class_settings}
    return {
        "sedrepro": __version__,
        "warning": WARNINGS.get(run.config.scale, ""),
        "run": asdict(run.who) | described,
        "detection": how | {"method": way.how.model_dump(mode="json", exclude={"kind", "corpora"})} | chosen,
    }


def _one(listener: Listener, facts: dict, clip: Path, target: Path, way: Way, form: str) -> int:
    """Write the folder of one recording; returns how many events there are."""
    _require_own(target)
    front_end, classes = listener.front_end, listener.classes
    recording = open_recording(clip, front_end.sample_rate)
    heard = listener.listen(recording.samples, segment_seconds=way.detector.pooled_seconds)
    events = detected_events(heard, way.detector, classes, front_end, recording.seconds)
    rows = [(e.onset, e.offset, e.event_label, *event_scores(heard, e, classes)) for e in events]
    with atomic_folder(target) as folder:
        if TABLE in FORMATS[form]:
            shown = [
                (shown_name(clip.name), f"{on:.3f}", f"{off:.3f}", label, mean, top)
                for on, off, label, mean, top in rows
            ]
            write_table(folder / TABLE, COLUMNS, shown)
        if RECORD in FORMATS[form]:
            found = [dict(zip(COLUMNS[1:], row, strict=True)) for row in rows]
            heard_in = _recording_facts(recording, listener, heard)
            write_json(folder / RECORD, facts | {"recording": heard_in, "classes": classes, "events": found})
        drawn = draw_recording(
            shown_name(clip.name), heard, events, classes, front_end, recording.seconds, way.detector.settings
        )
        save_picture(drawn, folder / PICTURE)
    return len(events)


def event_scores(heard: Heard, event: Event, classes: Sequence[str]) -> tuple[float, float]:
    """Mean and largest score of an event's class over the frames of scores that it touches, to six decimals."""
    rate, frames = heard.frames_per_second, len(heard.frame)
    # Times are rounded to the microsecond: an event that ends with a frame does not touch the next one.
    first = min(math.floor(event.onset * rate + 1e-3), frames - 1)
    stop = max(math.ceil(event.offset * rate - 1e-3), first + 1)
    scores = heard.frame[first:stop, list(classes).index(event.event_label)]
    return round(float(scores.mean()), 6), round(float(scores.max()), 6)


def _recording_facts(recording: Recording, listener: Listener, heard: Heard) -> dict[str, Any]:
    return {
        "file": shown_name(recording.path),
        "seconds": round(recording.seconds, 6),
        "sample_rate": recording.sample_rate,
        "channels": recording.channels,
        "windows": len(heard.starts),
        "window_seconds": listener.front_end.clip_seconds,
        "frames_per_second": heard.frames_per_second,
    }


def _require_own(target: Path) -> None:
    """Refuse to replace what this step has not written."""
    if target.exists() and not (target.is_dir() and {path.name for path in target.iterdir()} <= FILES):
        raise DataError(f"{target}: already exists and was not written by this command; choose another output folder")
