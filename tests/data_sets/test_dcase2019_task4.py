"""DCASE 2019 Task 4: the official tables with their traps."""

from collections import Counter
from pathlib import Path

import pytest

from sedrepro.annotations.clips import Clip, Event
from sedrepro.annotations.labels import read_strong
from sedrepro.base.errors import DataError
from sedrepro.data_sets.dcase2019_task4 import AUDIO, CLASSES, FOLDER, LABELS, SPLITS, TABLES, clips

METADATA = Path(__file__).parents[2].parent / "shared" / "metadata"
OFFICIAL = METADATA / "dcase2019_task4" / "metadata"
DESED = METADATA / "desed_validation" / "validation.tsv"
STRONG = "filename\tonset\toffset\tevent_label\n"
ROWS = {
    "synthetic": STRONG + "12.wav\t0.5\t2.5\tSpeech\n12.wav\t0.25\t1.0\tDog\n12.wav\t2.0\t3.0\tSpeech\n",
    "weak": "filename\tevent_labels\nYKK227gPpRn4_30.000_40.000.wav\tSpeech,Alarm_bell_ringing,Speech\n",
    "unlabelled": "filename\nY--CE2f-ttEQ_30.000_40.000.wav\n",
    "validation": STRONG
    + "Y2DF8mtDke8k_0.000_10.000.wav\t3.797\t4.103\tDog\nY2DF8mtDke8k_0.000_10.000.wav\t4.192\t4.492\tDog\n"
    + "Y2DF8mtDke8k_0.000_10.000.wav\t3.797\t4.492\tDog\nY2DF8mtDke8k_0.000_10.000.wav\t4.0\t10.115\tCat\n"
    + "Y86owBlJa8f0_24.000_34.000.wav\t\t\t\n",
    "public": STRONG + "1Ro0FgMWTUE_120_130.wav\t2.618\t11.0\tSpeech\n1Ro0FgMWTUE_120_130.wav\t0.000\t2.081\tCat\n",
}


def laid_out(root: Path, **changes: str) -> Path:
    for split, text in {**ROWS, **changes}.items():
        path = root / TABLES[split]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_small_layout(tmp_path: Path):
    speech, more_speech, dog = Event(0.5, 2.5, "Speech"), Event(2, 3, "Speech"), Event(0.25, 1, "Dog")
    pieces = Event(3.797, 4.103, "Dog"), Event(4.192, 4.492, "Dog"), Event(3.797, 4.492, "Dog")
    cat = Event(4, 10.115, "Cat")
    public = Event(2.618, 11, "Speech"), Event(0, 2.081, "Cat")
    assert clips(laid_out(tmp_path)) == [
        Clip(
            f"{FOLDER}/audio/train/synthetic/12.wav",
            "synthetic",
            "12",
            labels=("Dog", "Speech"),
            events=(dog, speech, more_speech),
            events_as_released=(speech, dog, more_speech),
        ),
        Clip(
            f"{FOLDER}/audio/train/weak/YKK227gPpRn4_30.000_40.000.wav",
            "weak",
            "KK227gPpRn4",
            labels=("Alarm_bell_ringing", "Speech"),
        ),
        Clip(
            f"{FOLDER}/audio/train/unlabel_in_domain/Y--CE2f-ttEQ_30.000_40.000.wav",
            "unlabelled",
            "--CE2f-ttEQ",
        ),
        Clip(
            f"{FOLDER}/audio/validation/Y2DF8mtDke8k_0.000_10.000.wav",
            "validation",
            "2DF8mtDke8k",
            labels=("Cat", "Dog"),
            events=(pieces[2], cat),
            events_as_released=(*pieces, cat),
        ),
        Clip(
            f"{FOLDER}/audio/validation/Y86owBlJa8f0_24.000_34.000.wav",
            "validation",
            "86owBlJa8f0",
            labels=(),
            events=(),
            events_as_released=(),
        ),
        Clip(
            f"{FOLDER}/audio/eval/public/1Ro0FgMWTUE_120_130.wav",
            "public",
            "1Ro0FgMWTUE",
            labels=("Cat", "Speech"),
            events=public[::-1],
            events_as_released=public,
        ),
    ]


@pytest.mark.parametrize(
    ("split", "row", "message"),
    [
        ("synthetic", "13.wav\t0\t0\tDog\n", r"synthetic\.tsv: row 5: offset 0 is not after onset 0"),
        ("weak", "a.wav\tSpeach\n", r"weak\.tsv: row 3: class 'Speach' is unknown; did you mean 'Speech'\?"),
        ("unlabelled", "weak/a.wav\n", r"unlabel_in_domain\.tsv: row 3: 'weak/a\.wav' is not a file name"),
        ("validation", "Y86owBlJa8f0_24.000_34.000.wav\t0\t1\tDog\n", r"validation\.tsv: row 7: .* an empty row"),
        ("public", "a.wav\t0\t1\n", r"public\.tsv: row 4: the number of fields is 3, not 4"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, split: str, row: str, message: str):
    with pytest.raises(DataError, match=message):
        clips(laid_out(tmp_path, **{split: ROWS[split] + row}))


@pytest.mark.parametrize("split", SPLITS)
def test_a_missing_table_is_named(tmp_path: Path, split: str):
    (laid_out(tmp_path) / TABLES[split]).unlink()
    with pytest.raises(DataError, match=rf"{TABLES[split]}: no such file"):
        clips(tmp_path)


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Clip]]:
    if not OFFICIAL.is_dir():
        pytest.skip(f"the official tables are not at {OFFICIAL}")
    root = tmp_path_factory.mktemp("official")
    (root / FOLDER).mkdir(parents=True)
    (root / FOLDER / "metadata").symlink_to(OFFICIAL)
    assert all((root / table).is_file() for table in LABELS)
    found = clips(root)
    return {split: [clip for clip in found if clip.split == split] for split in SPLITS}


@pytest.mark.parametrize(
    ("split", "count", "released", "events", "without"),
    [
        ("synthetic", 2045, 6032, 6032, 0),
        ("weak", 1578, None, None, 0),
        ("unlabelled", 14412, None, None, 0),
        ("validation", 1168, 4251 - 15, 4239 - 15, 15),
        ("public", 692, 2765, 2765, 0),
    ],
)
def test_official_counts(
    official: dict[str, list[Clip]], split: str, count: int, released: int | None, events: int | None, without: int
):
    found = official[split]
    assert len(found) == len({clip.filename for clip in found}) == count
    assert all(clip.filename.startswith(f"{AUDIO[split]}/") for clip in found)
    assert sum(clip.events == () for clip in found) == without
    if released is None:
        assert all(clip.events is None and clip.events_as_released is None for clip in found)
    else:
        assert sum(len(clip.events_as_released) for clip in found) == released
        assert sum(len(clip.events) for clip in found) == events
        assert all(clip.labels == tuple(sorted({e.event_label for e in clip.events})) for clip in found)


def test_official_classes(official: dict[str, list[Clip]]):
    for split in ("synthetic", "weak", "validation", "public"):
        assert {label for clip in official[split] for label in clip.labels} == set(CLASSES)
    assert all(clip.labels for clip in official["weak"])
    assert sum(len(clip.labels) for clip in official["weak"]) == 2247 - 3, "three rows name a class twice"
    assert all(clip.labels is None for clip in official["unlabelled"])


def test_official_groups(official: dict[str, list[Clip]]):
    for split in ("weak", "unlabelled", "validation", "public"):
        assert all(len(clip.group) == 11 for clip in official[split])
    names = {split: [clip.filename.rpartition("/")[2] for clip in found] for split, found in official.items()}
    assert Counter(name for found in names.values() for name in found).most_common(1)[0][1] == 1
    videos = {split: {clip.group for clip in official[split]} for split in SPLITS}
    assert len(videos["weak"] & videos["public"]) == 1
    assert len(videos["unlabelled"] & videos["public"]) == 3
    assert len(videos["validation"] & videos["public"]) == 1
    assert not videos["weak"] & videos["validation"]
    assert all(clip.group == Path(clip.filename).stem for clip in official["synthetic"])


def test_merging_gives_the_later_table_of_desed(official: dict[str, list[Clip]]):
    if not DESED.is_file():
        pytest.skip(f"the table of DESED is not at {DESED}")
    desed = read_strong(DESED, CLASSES)
    assert [clip.filename for clip in official["validation"]] == [f"{AUDIO['validation']}/{name}" for name in desed]
    for clip, events in zip(official["validation"], desed.values(), strict=True):
        assert clip.events == tuple(sorted(events))
    changed = [clip for clip in official["validation"] if len(clip.events) != len(clip.events_as_released)]
    assert sum(len(clip.events_as_released) - len(clip.events) for clip in changed) == 12


def test_events_behind_the_nominal_end_are_kept(official: dict[str, list[Clip]]):
    assert max(event.offset for clip in official["validation"] for event in clip.events) == 10.115
    assert max(event.offset for clip in official["public"] for event in clip.events) == 11.0
