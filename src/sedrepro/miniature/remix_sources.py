"""Miniature FSDKaggle2018 and TAU Urban Acoustic Scenes 2019: the two sources of the noisy remix."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedrepro.audio.writing import write_wav
from sedrepro.base.files import atomic_folder, write_table
from sedrepro.miniature import sounds
from sedrepro.miniature.writing import check_request, clip_seed, in_parallel

CLASSES = tuple(sounds.EVENTS)
SCENES = tuple(sounds.SCENES)
RARE_CLASS = "Knock"

EVENT_FOLDER = "FSDKaggle2018"
SCENE_FOLDER = "TAU-urban-acoustic-scenes-2019-development"
# In the order of the official list; six of them are also in the 2018 scenes.
CITIES = ("barcelona", "helsinki", "lisbon", "london", "lyon", "milan", "paris", "prague", "stockholm", "vienna")
SEGMENTS_PER_LOCATION = 2
LENGTHS = (0.5, 6.0)  # seconds
VERIFIED_PER_UNVERIFIED = 4
UNVERIFIED_PER_MISLABELLED = 3


@dataclass(frozen=True)
class MiniatureSize:
    """How much to synthesise: verified clips per class (unverified ones come on top) and 10 s segments per scene."""

    clips_per_class: int = 16
    rare_class_clips: int = 8
    segments_per_scene: int = 4


@dataclass(frozen=True)
class EventClip:
    """A row of the FSDKaggle2018 table, and what really sounds in the file."""

    filename: str
    label: str
    verified: bool
    sound: str
    seed: np.random.SeedSequence


@dataclass(frozen=True)
class SceneClip:
    """A row of the TAU Urban Acoustic Scenes table."""

    filename: str
    label: str
    identifier: str
    seed: np.random.SeedSequence


def write_remix_sources(root: Path, seed: int = 0, size: MiniatureSize = MiniatureSize()) -> None:
    """Write both sources of the noisy remix below `root`: sound events (44.1 kHz) and scenes (48 kHz, stereo).

    Raises:
        SettingsError: `size` asks for less than one clip or segment, or `seed` is negative.
        DataError: the disk is full or `root` cannot be written.
    """
    write_sound_events(root, seed, size)
    write_scenes(root, seed, size)


def write_sound_events(root: Path, seed: int = 0, size: MiniatureSize = MiniatureSize()) -> None:
    """Write the miniature FSDKaggle2018 below `root`.

    Raises:
        SettingsError, DataError: as `write_remix_sources`.
    """
    check_request(size, seed)
    _write_events(Path(root) / EVENT_FOLDER, event_clips(seed, size))


def write_scenes(root: Path, seed: int = 0, size: MiniatureSize = MiniatureSize()) -> None:
    """Write the miniature TAU Urban Acoustic Scenes 2019 below `root`.

    Raises:
        SettingsError, DataError: as `write_remix_sources`.
    """
    check_request(size, seed)
    _write_scenes(Path(root) / SCENE_FOLDER, scene_clips(seed, size))


def event_clips(seed: int, size: MiniatureSize) -> list[EventClip]:
    """All sound event clips, sorted by filename as in the official table."""
    clips: list[EventClip] = []
    for label in CLASSES:
        verified = size.rare_class_clips if label == RARE_CLASS else size.clips_per_class
        unverified = -(-verified // VERIFIED_PER_UNVERIFIED)
        for number in range(verified + unverified):
            # Keyed by class and kind, so a clip stays the same whatever the size of the corpus.
            extra = number - verified
            own_seed = clip_seed(
                seed, f"{label}/{'verified' if extra < 0 else 'unverified'}", number if extra < 0 else extra
            )
            wrong = extra >= 0 and extra % UNVERIFIED_PER_MISLABELLED == 0
            sound = _other_class(label, own_seed) if wrong else label
            clips.append(EventClip(_hexadecimal_name(len(clips), seed), label, extra < 0, sound, own_seed))
    return sorted(clips, key=lambda clip: clip.filename)


def scene_clips(seed: int, size: MiniatureSize) -> list[SceneClip]:
    """All scene segments, sorted by filename; a location belongs to one scene, as in the official data."""
    locations_per_scene = -(-size.segments_per_scene // SEGMENTS_PER_LOCATION)
    clips = []
    for scene_number, label in enumerate(SCENES):
        for segment in range(size.segments_per_scene):
            location = scene_number * locations_per_scene + segment // SEGMENTS_PER_LOCATION
            identifier = f"{CITIES[location % len(CITIES)]}-{location}"
            filename = f"audio/{label}-{identifier}-{segment}-a.wav"
            clips.append(SceneClip(filename, label, identifier, clip_seed(seed, label, segment)))
    return sorted(clips, key=lambda clip: clip.filename)


def _write_events(folder: Path, clips: list[EventClip]) -> None:
    sample_rate = 44100
    with atomic_folder(folder) as temporary:
        audio, meta = temporary / f"{EVENT_FOLDER}.audio_train", temporary / f"{EVENT_FOLDER}.meta"
        audio.mkdir()
        meta.mkdir()

        def write(clip: EventClip) -> None:
            write_wav(audio / clip.filename, _event(clip, sample_rate), sample_rate, "PCM_16", folder)

        in_parallel(write, clips, folder.name)
        with open(meta / "train_post_competition.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["fname", "label", "manually_verified", "freesound_id", "license"])
            # Nothing here comes from Freesound: identifier 0.
            writer.writerows([c.filename, c.label, int(c.verified), 0, "Creative Commons 0"] for c in clips)


def _event(clip: EventClip, sample_rate: int) -> np.ndarray:
    """A recording of 0.3 to 8 s, of any level; some begin with a pause. float32 (sample,)."""
    rng = np.random.default_rng(clip.seed)
    heard = sounds.sound(sounds.EVENTS[clip.sound], rng, float(np.exp(rng.uniform(*np.log(LENGTHS)))), sample_rate)
    pause = np.zeros(round(rng.choice([0, 0, 0, 0.1, 0.3]) * sample_rate), dtype=np.float32)
    return sounds.at_peak(np.concatenate([pause, heard]), rng.uniform(0.1, 0.95))


def _write_scenes(folder: Path, clips: list[SceneClip]) -> None:
    sample_rate = 48000
    with atomic_folder(folder) as temporary:
        (temporary / "audio").mkdir()

        def write(clip: SceneClip) -> None:
            samples = sounds.scene(clip.label, np.random.default_rng(clip.seed), 10.0, sample_rate)
            write_wav(temporary / clip.filename, samples, sample_rate, "PCM_24", folder)

        in_parallel(write, clips, folder.name)
        columns = ["filename", "scene_label", "identifier", "source_label"]
        write_table(temporary / "meta.csv", columns, ((c.filename, c.label, c.identifier, "a") for c in clips))


def _other_class(label: str, seed: np.random.SeedSequence) -> str:
    others = [other for other in CLASSES if other != label]
    return others[int(seed.generate_state(1)[0]) % len(others)]


def _hexadecimal_name(number: int, seed: int) -> str:
    """Eight hexadecimal digits; multiplying by an odd constant scatters the numbers and keeps them distinct."""
    # The remix deals the sorted names into four folds; with this constant and seed 0 the rare class is in all four.
    return f"{(number + 1 + 100_003 * seed) * 374_761_393 % 2**32:08x}.wav"
