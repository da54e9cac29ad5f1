"""A feature store comes back as written, appears only when it is whole, and says what is wrong with a damaged one."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedrepro.audio import store
from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.store import FeatureStore, StoreFacts, write_store
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_json, write_json

CLASSES = ("Bark", "Cowbell", "Meow")
VARIANTS = ("remix_0db", "remix_20db")


def facts(front_end: FrontEnd, clips: int) -> StoreFacts:
    return StoreFacts(
        front_end=front_end,
        classes=CLASSES,
        variants=VARIANTS,
        clips=clips,
        clips_expected=clips + 1,
        fingerprint="f",
        data={},
    )


def index(clips: int) -> list[tuple]:
    labels = ["Bark", "Cowbell,Meow", "", "Bark,Cowbell,Meow"]
    return [(f"{i:05d}.wav", "development", i % 4 + 1, 10.0, labels[i % 4], f"g{i // 2}") for i in range(clips)]


def arrays(front_end: FrontEnd, clips: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(clips)
    shape = (clips, front_end.n_frames, front_end.n_mels)
    return {variant: rng.normal(-8, 4, shape).astype(np.float16) for variant in VARIANTS}


def blocks(values: dict[str, np.ndarray], size: int) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(values[VARIANTS[0]]), size):
        yield {variant: array[start : start + size] for variant, array in values.items()}


@pytest.fixture
def written(tmp_path: Path, small: FrontEnd) -> Path:
    folder = tmp_path / "features" / "remix"
    write_store(folder, facts(small, 6), index(6), blocks(arrays(small, 6), 4))
    return folder


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(clips=st.integers(1, 12), size=st.integers(1, 13))
def test_a_store_comes_back_as_written(tmp_path: Path, small: FrontEnd, clips: int, size: int):
    values = arrays(small, clips)
    write_store(tmp_path / "store", facts(small, clips), index(clips), blocks(values, size))
    opened = FeatureStore(tmp_path / "store", small)
    assert opened.facts == facts(small, clips)
    for variant in VARIANTS:
        found = opened.array(variant)
        assert found.dtype == np.float16
        assert isinstance(found, np.memmap)
        np.testing.assert_array_equal(found, values[variant])
    assert opened.filenames == [f"{i:05d}.wav" for i in range(clips)]
    assert opened.folds.tolist() == [i % 4 + 1 for i in range(clips)]
    assert opened.splits.tolist() == ["development"] * clips
    assert opened.groups == [f"g{i // 2}" for i in range(clips)]
    expected = [[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1]]
    assert opened.targets().tolist() == [expected[i % 4] for i in range(clips)]
    assert opened.targets().dtype == np.float32


def test_the_folder_holds_what_its_description_says(written: Path):
    assert {path.name for path in written.iterdir()} == {"remix_0db.npy", "remix_20db.npy", "index.tsv", "store.json"}
    assert [path.name for path in written.parent.iterdir()] == ["remix"]


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (RuntimeError("midway"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (DataError("clip"), DataError),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), DataError),
    ],
)
def test_a_failure_midway_leaves_the_old_store_and_no_other(
    written: Path, small: FrontEnd, failure: BaseException, shown: type[BaseException]
):
    def failing() -> Iterator[dict[str, np.ndarray]]:
        yield next(blocks(arrays(small, 9), 4))
        raise failure

    for folder in (written, written.with_name("new")):
        with pytest.raises(shown):
            write_store(folder, facts(small, 9), index(9), failing())
    assert [path.name for path in written.parent.iterdir()] == ["remix"]
    np.testing.assert_array_equal(FeatureStore(written).array("remix_0db"), arrays(small, 6)["remix_0db"])


def test_a_disk_that_really_fills_up(tmp_path: Path, written: Path):
    """The kernel refuses the bytes beyond a limit: one clear error, the old store stays whole."""
    program = """
import resource, sys
from pathlib import Path
import numpy as np
from sedrepro.audio.store import FeatureStore, write_store
from sedrepro.base.errors import DataError

folder = Path(sys.argv[1])
facts = FeatureStore(folder).facts.model_copy(update={"clips": 5000})
block = np.zeros((100, facts.front_end.n_frames, facts.front_end.n_mels), np.float16)
rows = [(f"{i}.wav", "development", 1, 10, "Bark", "g") for i in range(5000)]
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_store(folder, facts, rows, ({v: block for v in facts.variants} for _ in range(50)))
except DataError as error:
    print(error)
"""
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    done = subprocess.run([sys.executable, "-c", program, written], capture_output=True, text=True, check=True)
    assert done.stdout == (f"{written}: cannot be written (File too large); free space or choose another folder\n")
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before
    assert [path.name for path in written.parent.iterdir()] == ["remix"]


@pytest.mark.parametrize(("rows", "clips"), [(6, 5), (5, 6), (6, 7)])
def test_as_many_clips_as_announced(tmp_path: Path, small: FrontEnd, rows: int, clips: int):
    with pytest.raises(DataError, match=rf"store: 6 clips were extracted, {clips} expected"):
        write_store(tmp_path / "store", facts(small, clips), index(rows), blocks(arrays(small, 6), 6))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("clip", [0, 3, 5])
def test_features_that_are_not_finite_name_the_clip(tmp_path: Path, small: FrontEnd, value: float, clip: int):
    values = arrays(small, 6)
    values["remix_20db"][clip, 1, 2] = value
    with pytest.raises(DataError, match=rf"^0000{clip}\.wav \(remix_20db\): features are not finite"):
        write_store(tmp_path / "store", facts(small, 6), index(6), blocks(values, 2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_mels": 5}, "n_mels = 4, the paper's settings say 5"),
        ({"hop_length": 20, "n_mels": 5}, "hop_length = 25, the paper's settings say 20"),
        ({"log_offset": 1e-5}, "log_offset = 1e-08, the paper's settings say 1e-05"),
        ({"window": "hann"}, "window = hamming, the paper's settings say hann"),
        ({"mel_norm": "none"}, "mel_norm = slaney, the paper's settings say none"),
        ({"dynamic_range_db": 80}, "dynamic_range_db = None, the paper's settings say 80.0"),
        ({"padding": "zero_features"}, "padding = silence, the paper's settings say zero_features"),
    ],
)
def test_other_settings_are_refused_by_the_first_that_differs(
    written: Path, small: FrontEnd, changes: dict, message: str
):
    wanted = FrontEnd(**small.model_dump() | changes)
    with pytest.raises(SettingsError) as caught:
        FeatureStore(written, wanted)
    assert str(caught.value) == f"{written}: features were extracted with {message}; run the features step again"


def test_a_store_from_before_the_newer_keys_still_opens(written: Path, small: FrontEnd):
    values = read_json(written / "store.json")
    for key in ("mel_norm", "dynamic_range_db", "padding"):
        del values["front_end"][key]
    write_json(written / "store.json", values)
    assert FeatureStore(written, small).facts.front_end == small


def test_a_missing_store_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"remix/store\.json: no such file"):
        FeatureStore(tmp_path / "remix")


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1, 2]", "must hold keys and values"), ("{}", "key 'front_end' is missing"), ('{"a"', "is not valid JSON")],
)
def test_a_damaged_description_is_named(written: Path, content: str, message: str):
    (written / "store.json").write_text(content)
    with pytest.raises((DataError, SettingsError), match=rf"remix/store\.json: {message}"):
        FeatureStore(written)


def test_an_unknown_key_in_the_description_is_named(written: Path):
    values = read_json(written / "store.json")
    write_json(written / "store.json", values | {"clip": 3})
    with pytest.raises(SettingsError, match=r"store\.json: unknown key 'clip'; did you mean 'clips'"):
        FeatureStore(written)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_array_is_damaged(written: Path, share: float):
    path = written / "remix_0db.npy"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"remix_0db\.npy: is damaged \(.+\); delete the folder"):
        FeatureStore(written).array("remix_0db")
    assert FeatureStore(written).array("remix_20db").shape[0] == 6


def test_a_missing_or_foreign_array_is_named(written: Path, small: FrontEnd):
    (written / "remix_0db.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match=r"remix_0db\.npy: is damaged"):
        FeatureStore(written).array("remix_0db")
    (written / "remix_0db.npy").unlink()
    with pytest.raises(DataError, match=r"remix_0db\.npy: is damaged \(.*No such file"):
        FeatureStore(written).array("remix_0db")
    np.save(written / "remix_0db.npy", arrays(small, 5)["remix_0db"])
    with pytest.raises(DataError, match=r"remix_0db\.npy: shape \(5, 3, 4\) is not \(6, 3, 4\)"):
        FeatureStore(written).array("remix_0db")


def test_missing_index_rows_are_named(written: Path):
    lines = (written / "index.tsv").read_text().splitlines(keepends=True)
    (written / "index.tsv").write_text("".join(lines[:-2]))
    with pytest.raises(DataError, match=r"index\.tsv: 4 rows for 6 clips; delete the folder"):
        FeatureStore(written)


def test_an_unknown_class_is_named_with_its_row(written: Path):
    text = (written / "index.tsv").read_text()
    (written / "index.tsv").write_text(text.replace("Cowbell,Meow", "Cowbel,Meow", 1))
    with pytest.raises(DataError, match=r"index\.tsv: row 3: unknown class 'Cowbel'; did you mean 'Cowbell'"):
        FeatureStore(written).targets()


def test_an_unknown_variant_names_the_nearest(written: Path):
    with pytest.raises(SettingsError, match=r"no variant 'remix_2db'; did you mean 'remix_20db'"):
        FeatureStore(written).array("remix_2db")


def test_a_store_can_be_moved(written: Path, tmp_path: Path):
    shutil.move(written, tmp_path / "elsewhere")
    assert FeatureStore(tmp_path / "elsewhere").array("remix_20db").shape == (6, 3, 4)


def test_the_index_columns_are_the_described_ones(written: Path):
    header = (written / "index.tsv").read_text().splitlines()[0]
    assert header.split("\t") == list(store.INDEX_COLUMNS)
    assert header == "filename\tsplit\tfold\tduration\tevent_labels\tgroup"
