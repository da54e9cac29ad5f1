"""The event clips of the remix: verified ones only, folds dealt as in the released code."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.base.errors import DataError
from sedrepro.data_sets import fsdkaggle2018
from sedrepro.data_sets.fsdkaggle2018 import AUDIO, LABELS, clips, shuffled_folds

OFFICIAL = Path(__file__).parents[2].parent / "shared/metadata/fsdkaggle2018/train_post_competition.csv"
HEADER = "fname,label,manually_verified,freesound_id,license\n"


def with_table(root: Path, text: str) -> Path:
    (root / LABELS[0]).parent.mkdir(parents=True, exist_ok=True)
    (root / LABELS[0]).write_text(text, encoding="utf-8")
    return root


def dealt(count: int) -> list[int]:
    """The released code, written anew: shuffled position n is in fold n mod 4 + 1."""
    folds = {}
    for position, row in enumerate(np.random.RandomState(1234).permutation(count).tolist()):
        folds[row] = position % 4 + 1
    return [folds[row] for row in range(count)]


@given(count=st.integers(0, 400))
def test_folds_are_dealt_as_released(count: int):
    folds = shuffled_folds(count).tolist()
    assert folds == dealt(count)
    sizes = [folds.count(fold) for fold in (1, 2, 3, 4)]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1


def test_only_verified_rows_but_all_are_shuffled(tmp_path: Path):
    rows = [f"{i:04x}.wav,{'Bark' if i % 3 else 'Meow'},{int(i % 5 < 2)},{i},CC0\n" for i in range(50)]
    found = clips(with_table(tmp_path, HEADER + "".join(rows)))
    expected = [
        (f"{AUDIO}/{i:04x}.wav", "Bark" if i % 3 else "Meow", fold) for i, fold in enumerate(dealt(50)) if i % 5 < 2
    ]
    assert [(c.filename, *c.labels, c.fold) for c in found] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "a.wav,Bark,1,1,CC0\nb.wav,Bark,0,1,CC0\na.wav,Bark,1,1,CC0\n", "row 4: a.wav is listed twice"),
        (HEADER + "a.wav,Bark,1,1,CC0\nb.wav,Bark,yes,1,CC0\n", "row 3: manually_verified is 'yes', not 0 or 1"),
        (HEADER + "a.wav,Bark,,1,CC0\n", "row 2: manually_verified is '', not 0 or 1"),
        ("fname,label\na.wav,Bark\n", r"column 'manually_verified' is missing \(found: fname, label\)"),
        (HEADER + "a.wav,Bark\n", "row 2 has too few fields"),
        ("", "column 'fname' is missing"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, text: str, message: str):
    with pytest.raises(DataError, match=rf"train_post_competition\.csv: {message}"):
        clips(with_table(tmp_path, text))


def test_a_missing_table_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"train_post_competition\.csv: no such file"):
        clips(tmp_path)


@pytest.mark.skipif(not OFFICIAL.is_file(), reason=f"the official table is not at {OFFICIAL}")
def test_the_official_table(tmp_path: Path):
    found = clips(with_table(tmp_path, OFFICIAL.read_text(encoding="utf-8")))
    assert len(found) == 3710
    assert len({c.labels for c in found}) == 41
    assert Counter(c.fold for c in found) == {1: 925, 2: 952, 3: 906, 4: 927}
    with open(OFFICIAL, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9473
    folds = dict(zip([row["fname"] for row in rows], dealt(len(rows)), strict=True))
    assert {c.filename.rpartition("/")[2]: c.fold for c in found} == {
        row["fname"]: folds[row["fname"]] for row in rows if row["manually_verified"] == "1"
    }
    assert fsdkaggle2018.FOLDS == 4
