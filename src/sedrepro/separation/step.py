"""The step behind `python -m sedrepro separate`: recordings in; sounds, events and a picture of each out."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from scipy.io import wavfile

from sedrepro.audio.reading import AudioError, read_mono, resample
from sedrepro.clips import STRONG_COLUMNS, Event
from sedrepro.errors import DataError, SettingsError
from sedrepro.files import atomic_folder, write_json, write_table
from sedrepro.reporting.pictures import save_picture
from sedrepro.reporting.run_view import RunView
from sedrepro.separation.masking import Separator
from sedrepro.separation.picture import draw_separation
from sedrepro.separation.scores import Detect, Listener, detected_events, listener_of

#: In every folder that this step has written: only such a folder is replaced.
RECORD = "separation.json"


def separate(
    run: RunView, clips: Sequence[Path], output: Path, detect: Detect, log: Callable[[str], None] = print
) -> None:
    """Separate the events of recordings into `output/<name of the recording>/`; one that fails writes none.

    Each folder holds a WAV file per event (32-bit float at the front end's rate, so that nothing is clipped),
    events.tsv, separation.png and .svg, and separation.json, which names run and recording.

    Raises:
        DataError: the run cannot be used, a folder cannot be written, or, after all others are done, some recordings
            could not be read (counts them).
        SettingsError: the run's network gives no masks, or two recordings have one name.
    """
    _require_different_names(clips)
    listener, failed = listener_of(run), []
    for clip in clips:
        try:
            target = output / clip.stem
            found = separate_one(listener, clip, target, detect, asdict(run.who))
            log(f"{clip}: {len(found)} {'event' if len(found) == 1 else 'events'} in {target}")
        except AudioError as error:
            failed.append(str(error))
            log(f"left out: {error}")
    if failed:
        raise DataError(f"{len(failed)} of {len(clips)} recordings cannot be separated, the first: {failed[0]}")


def separate_one(listener: Listener, clip: Path, target: Path, detect: Detect, who: dict) -> list[Event]:
    """Separate one recording into the folder `target`; returns its events.

    Raises:
        AudioError: the recording cannot be read.
        DataError: `target` holds something else, or cannot be written.
    """
    if target.exists() and not (target / RECORD).is_file():
        raise DataError(f"{target}: is there and was not written by this command; choose another output folder")
    front_end = listener.front_end
    samples = resample(*read_mono(clip), front_end.sample_rate)
    if not len(samples):
        raise AudioError(clip, f"is too short for {front_end.sample_rate} Hz")
    seconds = len(samples) / front_end.sample_rate
    scores = listener.scores(samples)
    events = detected_events(scores, detect, listener.classes, front_end, seconds)
    separator = Separator(samples, scores.masks, events, listener.classes, front_end)
    with atomic_folder(target) as folder:
        for number, event in enumerate(events, 1):
            path = folder / sound_name(number, event)
            # libsndfile would write the time of day into a float file: no two runs would give the same bytes.
            wavfile.write(path, front_end.sample_rate, separator.sound(event))
        rows = [(clip.name, f"{e.onset:.3f}", f"{e.offset:.3f}", e.event_label) for e in events]
        write_table(folder / "events.tsv", STRONG_COLUMNS, rows)
        drawn = draw_separation(clip.name, scores, events, listener.classes, front_end, seconds)
        save_picture(drawn, folder / "separation")
        write_json(folder / RECORD, {"recording": str(clip), "seconds": seconds, "run": who})
    return events


def sound_name(number: int, event: Event) -> str:
    """Name of an event's WAV file, `01_Fire_engine_fire_truck_siren_2.34s.wav`."""
    label = re.sub(r"\W+", "_", event.event_label).strip("_")
    return f"{number:02d}_{label}_{event.onset:.2f}s.wav"


def _require_different_names(clips: Sequence[Path]) -> None:
    name, count = Counter(clip.stem for clip in clips).most_common(1)[0]
    if count > 1:
        raise SettingsError(f"{count} recordings are named '{name}', after which their folder is named; rename them")
