"""The recipes of the remix: reproducible, each scene once, events of their own fold, equally often."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import WEAK_COLUMNS
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table, write_table
from sedrepro.base.typed import load
from sedrepro.corpora.remix import (
    Mixture,
    PlacedEvent,
    draw,
    read_events,
    read_recipes,
    write_recipes,
    write_remix_tables,
)
from sedrepro.corpora.settings import Remix
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.corpora.tables import CORPUS_TABLES
from sedrepro.data_sets import fsdkaggle2018

OFFICIAL = Path(__file__).parents[2].parent / "shared/metadata/fsdkaggle2018/train_post_competition.csv"
FOLDS = 4


def changed(remix: Remix, **changes) -> Remix:
    return load(Remix, remix.model_dump() | changes, "settings.yaml: corpora.remix")


def event_rows(sizes: Sequence[int], duration: float = 1.5) -> list[dict[str, str]]:
    """`sizes[k]` event clips of fold k + 1, in a mixed order."""
    rows = [
        {
            "filename": f"fold{fold}-{i}.wav",
            "label": ("Bark", "Cowbell", "Meow")[i % 3],
            "fold": str(fold),
            "duration": str(duration),
            "sample_rate": "44100",
        }
        for fold, size in enumerate(sizes, start=1)
        for i in range(size)
    ]
    return sorted(rows, key=lambda row: hash_of(row["filename"]))


def hash_of(name: str) -> int:
    return sum(ord(letter) * 31**place for place, letter in enumerate(name)) % 1009


def scene_rows(count: int) -> list[dict[str, str]]:
    return [{"filename": f"scene{i}.wav", "group": f"lyon-{i}"} for i in range(count)]


def by_fold(mixtures: Sequence[Mixture]) -> dict[int, list[Mixture]]:
    return {fold: [m for m in mixtures if m.fold == fold] for fold in range(1, FOLDS + 1)}


def triples(mixtures: Sequence[Mixture]) -> list[tuple[str, ...]]:
    return [tuple(event.filename for event in mixture.events) for mixture in mixtures]


def as_released(
    events: Sequence[dict[str, str]], scenes: Sequence[dict[str, str]], per_fold: int, seed: int, tiled: bool
) -> list[tuple[str, int, str, tuple[str, ...]]]:
    """The released recipe, written anew: arrays of names are shuffled in place by one generator."""
    rng = np.random.RandomState(seed)
    names = np.array([row["filename"] for row in scenes])
    rng.shuffle(names)
    mixtures: list[tuple[str, int, str, tuple[str, ...]]] = []
    for fold in range(1, FOLDS + 1):
        selected = np.array([row["filename"] for row in events if row["fold"] == str(fold)])
        shuffles = []
        for _ in range(-(-3 * per_fold // len(selected))):
            rng.shuffle(selected)
            shuffles.append(selected.copy())
        repeated = list(selected) * len(shuffles) if tiled else [name for one in shuffles for name in one]
        for n in range(per_fold):
            number = len(mixtures)
            mixtures.append((f"{number:05d}.wav", fold, names[number], tuple(repeated[3 * n : 3 * n + 3])))
    return mixtures


@pytest.mark.parametrize("how", ["tiled", "reshuffled"])
@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 25), min_size=4, max_size=4),
    per_fold=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_recipes_equal_the_released_recipe(how: str, sizes: list[int], per_fold: int, seed: int):
    settings_ = Remix(
        kind="remix",
        events="e",
        scenes="s",
        snr_db=(0,),
        mixtures_per_fold=per_fold,
        draw=how,
        level="whole_file",
        seed=seed,
    )
    events, scenes = event_rows(sizes), scene_rows(4 * per_fold + 3)
    drawn = draw(events, scenes, settings_, FOLDS)
    found = [(m.filename, m.fold, m.scene, tuple(e.filename for e in m.events)) for m in drawn]
    assert found == as_released(events, scenes, per_fold, seed, tiled=how == "tiled")


def test_equal_seeds_give_equal_recipes_and_others_do_not(remix: Remix):
    few = changed(remix, mixtures_per_fold=20)
    sources = event_rows([9, 10, 11, 12]), scene_rows(100)
    first = draw(*sources, few, FOLDS)
    np.random.seed(7)  # The global generator must not matter.
    assert draw(*sources, few, FOLDS) == first
    other = draw(*sources, changed(few, seed=1235), FOLDS)
    assert [m.scene for m in other] != [m.scene for m in first]
    assert triples(other) != triples(first)


def test_recipes_do_not_depend_on_the_levels(remix: Remix):
    """The same recipe serves every SNR."""
    few = changed(remix, mixtures_per_fold=20)
    sources = event_rows([9, 10, 11, 12]), scene_rows(100)
    assert draw(*sources, few, FOLDS) == draw(*sources, changed(few, snr_db=(5,), level="active"), FOLDS)


@settings(deadline=None, max_examples=40)
@given(scenes=st.integers(1, 60), per_fold=st.integers(1, 20))
def test_scenes_are_used_once_and_again_only_when_there_are_too_few(scenes: int, per_fold: int):
    settings_ = Remix(
        kind="remix",
        events="e",
        scenes="s",
        snr_db=(0,),
        mixtures_per_fold=per_fold,
        draw="tiled",
        level="whole_file",
        seed=0,
    )
    drawn = draw(event_rows([4, 4, 4, 4]), scene_rows(scenes), settings_, FOLDS)
    used = [m.scene for m in drawn]
    counts = Counter(used)
    assert len(used) == FOLDS * per_fold
    assert len(counts) == min(scenes, len(used))
    assert max(counts.values()) - (min(counts.values()) if len(used) >= scenes else 0) <= 1
    for start in range(0, len(used), scenes):
        repetition = used[start : start + scenes]
        assert len(set(repetition)) == len(repetition)


@pytest.mark.parametrize("how", ["tiled", "reshuffled"])
def test_scenes_used_again_come_in_another_order(remix: Remix, how: str):
    drawn = draw(event_rows([4] * 4), scene_rows(40), changed(remix, draw=how, mixtures_per_fold=20), FOLDS)
    used = [m.scene for m in drawn]
    assert used[:40] != used[40:]
    assert sorted(used[:40]) == sorted(used[40:])


@pytest.mark.parametrize("how", ["tiled", "reshuffled"])
@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(1, 40), min_size=4, max_size=4), per_fold=st.integers(1, 50))
def test_events_belong_to_the_fold_and_are_used_equally_often(how: str, sizes: list[int], per_fold: int):
    settings_ = Remix(
        kind="remix",
        events="e",
        scenes="s",
        snr_db=(0,),
        mixtures_per_fold=per_fold,
        draw=how,
        level="whole_file",
        seed=1,
    )
    rows = event_rows(sizes)
    labels = {row["filename"]: row["label"] for row in rows}
    drawn = draw(rows, scene_rows(9), settings_, FOLDS)
    assert [m.filename for m in drawn] == [f"{i:05d}.wav" for i in range(4 * per_fold)]
    for fold, mixtures in by_fold(drawn).items():
        size = sizes[fold - 1]
        assert len(mixtures) == per_fold
        assert all(len(m.events) == 3 for m in mixtures)
        used = Counter(event.filename for m in mixtures for event in m.events)
        assert all(name.startswith(f"fold{fold}-") for name in used)
        assert all(event.event_label == labels[event.filename] for m in mixtures for event in m.events)
        least, more = divmod(3 * per_fold, size)
        assert len(used) == min(size, 3 * per_fold)
        assert sorted(used.values()) == [least] * (size - more if least else 0) + [least + 1] * more


@pytest.mark.parametrize("size", [9, 10, 11, 30, 301])
def test_tiling_repeats_triples_and_reshuffling_does_not(remix: Remix, size: int):
    """Tiled, a fold of n clips holds n different triples, or n / 3 where 3 divides n."""
    sources = event_rows([size] * 4), scene_rows(10)
    tiled = by_fold(draw(*sources, changed(remix, draw="tiled"), FOLDS))
    reshuffled = by_fold(draw(*sources, changed(remix, draw="reshuffled"), FOLDS))
    possible = size * (size - 1) * (size - 2)
    for fold in range(1, FOLDS + 1):
        released = triples(tiled[fold])
        assert len(set(released)) == (size // 3 if size % 3 == 0 else size)
        period = len(set(released))
        assert released[: 2000 - period] == released[period:]
        assert len(set(triples(reshuffled[fold]))) > min(0.7 * possible, 1800)


@pytest.mark.skipif(not OFFICIAL.is_file(), reason=f"the official table is not at {OFFICIAL}")
def test_the_released_triples_of_the_official_list(remix: Remix, tmp_path: Path):
    table = tmp_path / fsdkaggle2018.LABELS[0]
    table.parent.mkdir(parents=True)
    table.write_bytes(OFFICIAL.read_bytes())
    events = [
        {"filename": clip.filename, "label": clip.labels[0], "fold": str(clip.fold), "duration": "3.0"}
        for clip in fsdkaggle2018.clips(tmp_path)
    ]
    sizes = {1: 925, 2: 952, 3: 906, 4: 927}
    tiled = by_fold(draw(events, scene_rows(14400), changed(remix, draw="tiled"), FOLDS))
    assert {fold: len(set(triples(m))) for fold, m in tiled.items()} == {1: 925, 2: 952, 3: 302, 4: 309}
    reshuffled = by_fold(draw(events, scene_rows(14400), remix, FOLDS))
    assert {fold: len(set(triples(m))) for fold, m in reshuffled.items()} == dict.fromkeys(sizes, 2000)
    for mixtures in (tiled, reshuffled):
        for fold, size in sizes.items():
            used = Counter(e.filename for m in mixtures[fold] for e in m.events)
            assert len(used) == size
            assert set(used.values()) == {6000 // size, 6000 // size + 1}
        assert len({m.scene for fold in mixtures.values() for m in fold}) == 8000


@pytest.mark.parametrize(("duration", "heard"), [(0.3, 0.3), (1.999999, 1.999999), (2.0, 2.0), (2.5, 2.0), (30.0, 2.0)])
def test_onsets_are_fixed_and_long_events_end_after_two_seconds(remix: Remix, duration: float, heard: float):
    few = changed(remix, mixtures_per_fold=5)
    for mixture in draw(event_rows([4] * 4, duration), scene_rows(3), few, FOLDS):
        assert [event.onset for event in mixture.events] == [0.5, 3.0, 5.5]
        assert [event.offset for event in mixture.events] == pytest.approx([0.5 + heard, 3 + heard, 5.5 + heard])
        assert all(first.offset <= second.onset for first, second in pairwise(mixture.events))


@pytest.mark.parametrize("duration", [0.3, 1.999999, 2.0, 30.0])
def test_labels_of_whole_slots_last_two_seconds_however_long_the_event(remix: Remix, duration: float):
    sources, few = (event_rows([4] * 4, duration), scene_rows(3)), changed(remix, mixtures_per_fold=5)
    heard, whole = (draw(*sources, changed(few, label_span=span), FOLDS) for span in ("as_heard", "whole_slot"))
    assert heard == draw(*sources, few, FOLDS)  # what a corpus has that says nothing
    for mixture in whole:
        assert [(event.onset, event.offset) for event in mixture.events] == [(0.5, 2.5), (3.0, 5.0), (5.5, 7.5)]
    assert (heard == whole) == (duration >= 2)
    # What is mixed, and where, is the same: only the labels' ends differ.
    assert [(m.filename, m.fold, m.scene, [(e.filename, e.onset) for e in m.events]) for m in heard] == [
        (m.filename, m.fold, m.scene, [(e.filename, e.onset) for e in m.events]) for m in whole
    ]


@pytest.mark.parametrize("sizes", [[0, 3, 3, 3], [3, 3, 3, 0], [0, 0, 0, 0]])
def test_an_empty_fold_is_named(remix: Remix, sizes: list[int]):
    empty = sizes.index(0) + 1
    with pytest.raises(DataError, match=rf"remix: fold {empty} has no usable event clip; see the rejected\.tsv"):
        draw(event_rows(sizes), scene_rows(3), remix, FOLDS)


def test_no_scenes(remix: Remix):
    with pytest.raises(DataError, match=r"remix: there is no usable scene; see the rejected\.tsv"):
        draw(event_rows([3] * 4), [], remix, FOLDS)


def test_an_unknown_class_names_file_row_and_the_nearest(tmp_path: Path):
    rows = [(f"{name}.wav", "train", fold, 1.0, 44100, 1, name) for name, fold in (("a", 1), ("b", 2))]
    write_table(tmp_path / "clips.tsv", CLIP_COLUMNS, rows)
    write_table(tmp_path / "weak.tsv", WEAK_COLUMNS, [("a.wav", "Bark"), ("b.wav", "Cowbel")])
    with pytest.raises(DataError) as caught:
        read_events(tmp_path, ("Bark", "Cowbell", "Meow"))
    assert str(caught.value) == f"{tmp_path}/weak.tsv: row 3: unknown class 'Cowbel'; did you mean 'Cowbell'?"
    found = read_events(tmp_path, ("Bark", "Cowbel"))
    assert [(row["label"], row["fold"]) for row in found] == [("Bark", "1"), ("Cowbel", "2")]


def test_an_event_clip_without_label_is_named(tmp_path: Path):
    write_table(tmp_path / "clips.tsv", CLIP_COLUMNS, [("a.wav", "train", 1, 1.0, 44100, 1, "a")])
    write_table(tmp_path / "weak.tsv", WEAK_COLUMNS, [])
    with pytest.raises(DataError, match=r"weak\.tsv: a\.wav has no label; survey the data set again"):
        read_events(tmp_path, ("Bark",))


events = st.builds(
    PlacedEvent,
    filename=st.text("abc/ .'\"é", min_size=1),
    event_label=st.sampled_from(["Bark", "Hi-hat"]),
    onset=st.floats(0, 10),
    offset=st.floats(0, 10),
)


@st.composite
def recipes(draw_value: st.DrawFn) -> list[Mixture]:
    count = draw_value(st.integers(0, 6))
    return [
        Mixture(
            f"{number:05d}.wav",
            draw_value(st.integers(1, 4)),
            draw_value(st.text("xyz/-", min_size=1)),
            tuple(draw_value(st.lists(events, min_size=1, max_size=4))),
        )
        for number in range(count)
    ]


@settings(deadline=None)
@given(mixtures=recipes())
def test_recipes_come_back_as_written(tmp_path_factory: pytest.TempPathFactory, mixtures: list[Mixture]):
    path = tmp_path_factory.mktemp("recipes") / "recipes.tsv"
    write_recipes(path, mixtures)
    assert read_recipes(path) == mixtures


def test_the_label_tables_agree_with_the_recipes(remix: Remix, tmp_path: Path):
    mixtures = draw(event_rows([5, 6, 7, 8], 0.7), scene_rows(50), changed(remix, mixtures_per_fold=10), FOLDS)
    write_remix_tables(tmp_path, mixtures, 10.0)
    assert {path.name for path in tmp_path.iterdir()} == set(CORPUS_TABLES)
    clips = read_table(tmp_path / "clips.tsv", ("filename", "split", "fold", "duration"))
    weak = read_table(tmp_path / "weak.tsv", ("filename", "event_labels"))
    strong = read_table(tmp_path / "strong.tsv", ("filename", "onset", "offset", "event_label"))
    assert [(row["filename"], int(row["fold"]), row["split"], float(row["duration"])) for row in clips] == [
        (m.filename, m.fold, "development", 10.0) for m in mixtures
    ]
    assert [row["filename"] for row in weak] == [m.filename for m in mixtures]
    assert any(len(row["event_labels"].split(",")) < 3 for row in weak)
    for row, mixture in zip(weak, mixtures, strict=True):
        own = [r for r in strong if r["filename"] == mixture.filename]
        assert row["event_labels"] == ",".join(sorted({r["event_label"] for r in own}))
        assert [(float(r["onset"]), float(r["offset"]), r["event_label"]) for r in own] == [
            (e.onset, e.offset, e.event_label) for e in mixture.events
        ]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("onset", "early", "could not convert string to float: 'early'"),
        ("offset", "", "could not convert string to float: ''"),
        ("fold", "one", r"invalid literal for int\(\) with base 10: 'one'"),
    ],
)
def test_a_bad_number_in_a_recipe_names_its_row(remix: Remix, tmp_path: Path, column: str, value: str, message: str):
    mixtures = draw(event_rows([3] * 4), scene_rows(9), changed(remix, mixtures_per_fold=2), FOLDS)
    write_recipes(tmp_path / "recipes.tsv", mixtures)
    rows = read_table(tmp_path / "recipes.tsv", ())
    rows[4][column] = value
    write_table(tmp_path / "recipes.tsv", list(rows[0]), [list(row.values()) for row in rows])
    with pytest.raises(DataError, match=rf"recipes\.tsv: row 6: {message}"):
        read_recipes(tmp_path / "recipes.tsv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"snr_db": []}, "'snr_db' ="),
        ({"mixtures_per_fold": 0}, "'mixtures_per_fold' = 0"),
        ({"draw": "tilde"}, "'draw' = 'tilde': Input should be 'reshuffled' or 'tiled'"),
        ({"level": "loud"}, "'level' = 'loud': Input should be 'whole_file' or 'active'"),
        ({"label_span": "slot"}, "'label_span' = 'slot': Input should be 'as_heard' or 'whole_slot'"),
        ({"seed": -1}, "'seed' = -1"),
        ({"snr": [0]}, "unknown key 'snr'; did you mean 'snr_db'?"),
    ],
)
def test_impossible_settings_are_named(remix: Remix, changes: dict, message: str):
    with pytest.raises(SettingsError) as caught:
        changed(remix, **changes)
    assert message in str(caught.value)


def test_variants_are_named_after_their_level(remix: Remix):
    assert changed(remix, snr_db=(0, 20, -5)).variants("remix") == {
        "remix_0db": 0,
        "remix_20db": 20,
        "remix_-5db": -5,
    }
