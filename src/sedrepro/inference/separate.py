"""The step behind `python -m sedrepro separate`: recordings in; sounds, events and a picture of each out."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from scipy.io import wavfile

from sedrepro.annotations.clips import STRONG_COLUMNS, Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import atomic_folder, shown_name, write_json, write_table
from sedrepro.detection.method import Detector
from sedrepro.experiments.run_view import RunView
from sedrepro.inference.listener import Listener, detected_events, gives_masks, listener_of
from sedrepro.inference.masking import Separator
from sedrepro.inference.picture import draw_recording
from sedrepro.inference.recordings import each_recording, open_recording
from sedrepro.reporting.figures.pictures import save_picture

#: In every folder that this step has written: only such a folder is replaced.
RECORD = "separation.json"


def separate(
    run: RunView, clips: Sequence[Path], output: Path, detector: Detector, log: Callable[[str], None] = print
) -> None:
    """Separate the events of recordings into `output/<name of the recording>/`; one that fails writes none.

    Each folder holds a WAV file per event (32-bit float at the front end's rate, so that nothing is clipped),
    events.tsv, separation.png and .svg, and separation.json, which names run and recording.

    Raises:
        DataError: the run cannot be used, or, after all others are done, some recordings could not be (counts them).
        SettingsError: the run's network gives no masks.
    """
    listener = listener_of(run)
    if not gives_masks(listener.network, listener.front_end):
        raise SettingsError(
            f"{run.who.paper}: system '{run.who.system}' gives no masks of time-frequency bins to separate by; "
            "choose a system that pools such masks"
        )

    def work(clip: Path, target: Path) -> int:
        return len(separate_one(listener, clip, target, detector, asdict(run.who)))

    each_recording(clips, output, work, "separated", log)


def separate_one(listener: Listener, clip: Path, target: Path, detector: Detector, who: dict) -> list[Event]:
    """Separate one recording into the folder `target`; returns its events.

    Raises:
        AudioError: the recording cannot be read.
        DataError: `target` holds something else, or cannot be written.
    """
    if target.exists() and not (target / RECORD).is_file():
        raise DataError(f"{target}: already exists and was not written by this command; choose another output folder")
    front_end, classes = listener.front_end, listener.classes
    recording = open_recording(clip, front_end.sample_rate)
    heard = listener.listen(recording.samples, with_masks=True, segment_seconds=detector.pooled_seconds)
    events = detected_events(heard, detector, classes, front_end, recording.seconds)
    separator = Separator(recording.samples, heard.class_masks, events, classes, front_end)
    with atomic_folder(target) as folder:
        for number, event in enumerate(events, 1):
            path = folder / sound_name(number, event)
            # libsndfile would write the time of day into a float file: no two runs would give the same bytes.
            wavfile.write(path, front_end.sample_rate, separator.sound(event))
        name = shown_name(clip.name)
        rows = [(name, f"{e.onset:.3f}", f"{e.offset:.3f}", e.event_label) for e in events]
        write_table(folder / "events.tsv", STRONG_COLUMNS, rows)
        drawn = draw_recording(name, heard, events, classes, front_end, recording.seconds, detector.settings)
        save_picture(drawn, folder / "separation")
        write_json(folder / RECORD, {"recording": shown_name(clip), "seconds": recording.seconds, "run": who})
    return events


def sound_name(number: int, event: Event) -> str:
    """Name of an event's WAV file, `01_Fire_engine_fire_truck_siren_2.34s.wav`."""
    label = re.sub(r"\W+", "_", event.event_label).strip("_")
    return f"{number:02d}_{label}_{event.onset:.2f}s.wav"
