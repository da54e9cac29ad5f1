"""The download manifest is right in form and agrees with the published facts; a wrong row is named in one line."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.data_sets import data_set, data_set_names, trait
from sedrepro.obtaining.manifest import SourceFile, find, read_manifest

SHARED = Path(__file__).parents[2].parent / "shared"
FACTS = SHARED / "data_facts" / "datasets_manifest.json"
METADATA = SHARED / "metadata"


@pytest.fixture(scope="module")
def manifest() -> list[SourceFile]:
    return read_manifest()


def test_every_row_is_complete(manifest: list[SourceFile]):
    for file in manifest:
        assert file.licence, file
        assert file.holds, file
        assert file.confidence in ("high", "medium", "low"), file
        assert all(address.startswith("https://") for address in file.addresses), file
        assert len(set(file.addresses)) == len(file.addresses), file
        assert "\n" not in "".join((file.licence, file.holds))
    assert len({(file.data_set, file.file) for file in manifest}) == len(manifest)


def test_no_two_files_arrive_at_one_place(manifest: list[SourceFile]):
    tables = [(file.into, file.file) for file in manifest if not file.is_archive]
    assert len(set(tables)) == len(tables)


@pytest.mark.parametrize(
    ("data_set", "count", "audio_count", "audio_bytes"),
    [("tau_urban_2019", 23, 21, 35.62e9), ("tut_urban_2018", 15, 13, 21.35e9)],
)
def test_official_counts(manifest: list[SourceFile], data_set: str, count: int, audio_count: int, audio_bytes: float):
    files = [file for file in manifest if file.data_set == data_set]
    audio = [file for file in files if ".audio." in file.file]
    assert (len(files), len(audio)) == (count, audio_count)
    assert all(file.exact and file.checksum for file in files)
    assert sum(file.bytes for file in audio) == pytest.approx(audio_bytes, abs=0.005e9)
    assert sorted(int(re.search(r"audio\.(\d+)\.zip", file.file)[1]) for file in audio) == [*range(1, audio_count + 1)]
    assert [file.file for file in files if file.use == "extra"] == [file.file for file in files if ".doc." in file.file]


def test_every_data_set_of_the_suite_is_listed(manifest: list[SourceFile]):
    known = {file.data_set for file in manifest if file.use == "needed"}
    for name in data_set_names():
        assert data_set(name).ARCHIVE in known, name
        assert trait(name, "SERVED_FROM") in (None, *known), name


def test_label_tables_arrive_where_they_are_read(manifest: list[SourceFile]):
    """Label tables that are downloaded as they are stand below the data root under the names that the modules read."""
    placed = {str(Path(file.into, file.file)) for file in manifest if not file.is_archive}
    folders = {file.into for file in manifest if not file.is_archive and file.use == "needed"}
    for name in data_set_names():
        for table in data_set(name).LABELS:
            if str(Path(table).parent) in folders:
                assert table in placed, f"{name}: {table}"


def same_form(address: str) -> str:
    """An address as the manifest writes it: the newer /records/, no question mark behind a Zenodo file.

    The collected facts name label tables of 2017 beside the folder in which the repository has them.
    """
    address = re.sub(r"/master/(groundtruth_\w+\.csv)$", r"/master/groundtruth_release/\1", address)
    address = re.sub(
        r"^https://zenodo\.org/records?/(\d+)/files/([^?]+).*$", r"https://zenodo.org/records/\1/files/\2", address
    )
    return re.sub(r"^https://www\.dropbox\.com/(.*?)\?dl=1$", r"https://dl.dropboxusercontent.com/\1", address)


def test_sizes_and_checksums_are_those_of_the_facts(manifest: list[SourceFile]):
    if not FACTS.is_file():
        pytest.skip("the collected facts on the data sets are not here")
    files, compared = {file.file: file for file in manifest}, 0
    for fact in json.loads(FACTS.read_text(encoding="utf-8")):
        file = files.get(fact["filename"])
        if file is None or (fact["md5"] is None and fact["size"] is None):
            continue
        compared += 1
        assert file.checksum == (f"md5:{fact['md5']}" if fact["md5"] else ""), file.file
        assert fact["size"] in (None, file.bytes) and (file.exact or fact["size"] is None), file.file
        assert same_form(fact["url"]) in file.addresses, file.file
        assert file.passwords == tuple(filter(None, [fact.get("zip_password")])), file.file
    assert compared >= 50


def test_label_tables_at_hand_have_the_listed_checksums(manifest: list[SourceFile]):
    if not METADATA.is_dir():
        pytest.skip("the official label tables are not here")
    copies = {
        (folder, path.name): path
        for folder in ("dcase2017_task4", "dcase2019_task4")
        for path in (METADATA / folder).rglob("*.*")
    }
    tables = [file for file in manifest if not file.is_archive]
    assert len(tables) >= 16
    for file in tables:
        content = copies[file.data_set, file.file].read_bytes()
        assert f"md5:{hashlib.md5(content).hexdigest()}" == file.checksum, file.file
        assert (len(content), True) == (file.bytes, file.exact), file.file


GOOD_MD5 = "md5:" + 32 * "a"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"data_set": "no module"}, "data_set 'no module' is not a module name"),
        ({"data_set": ""}, "data_set '' is not a module name"),
        ({"file": ""}, "file '' is not a file name"),
        ({"file": "../a.zip"}, "file '../a.zip' is not a file name"),
        ({"file": ".a.zip"}, "file '.a.zip' is not a file name"),
        ({"addresses": " "}, "labels.csv has no address"),
        ({"bytes": "1.6GB"}, "bytes '1.6GB' is not a number; write 890, or ~890 for a rough value"),
        ({"bytes": "~"}, "bytes '~' is not a number"),
        ({"bytes": "-1"}, "bytes '-1' is not a number"),
        ({"checksum": "md5:123"}, "checksum 'md5:123' is none; write md5: and 32 hexadecimal digits"),
        ({"checksum": GOOD_MD5.upper()}, "checksum 'MD5:"),
        ({"checksum": GOOD_MD5[4:]}, "checksum 'aaa"),
        ({"use": "neded"}, "use 'neded' is unknown; did you mean 'needed'?"),
        ({"into": ""}, "into '' is not a folder below the data root"),
        ({"into": "/data"}, "into '/data' is not a folder below the data root"),
        ({"into": "a/../../b"}, "into 'a/../../b' is not a folder below the data root"),
        ({"file": "first.csv"}, "first.csv is listed twice"),
    ],
)
def test_a_wrong_row_is_named(listed: Callable[..., Path], row: dict[str, str], problem: str):
    path = listed({"file": "first.csv"}, row)
    with pytest.raises(DataError) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}: row 3: {problem}")
    assert "\n" not in str(caught.value)


def test_a_row(listed: Callable[..., Path]):
    row = {"file": "a.tar.gz", "addresses": "http://a http://b", "bytes": "~890", "checksum": GOOD_MD5}
    (file,) = read_manifest(listed(row | {"kept": "audio,meta", "passwords": "one two", "into": "."}))
    assert (file.addresses, file.bytes, file.exact) == (("http://a", "http://b"), 890, False)
    assert (file.kept, file.passwords, file.is_archive) == (("audio", "meta"), ("one", "two"), True)
    assert file.size == "about 890B"


@pytest.mark.parametrize(
    ("name", "is_archive"),
    [("a.zip", True), ("a.b.tar.gz", True), ("a.tgz", True), ("a.tar", True), ("a.csv", False), ("zip", False)],
)
def test_what_is_an_archive(listed: Callable[..., Path], name: str, is_archive: bool):
    (file,) = read_manifest(listed({"file": name}))
    assert file.is_archive == is_archive


def test_sizes_in_words(listed: Callable[..., Path]):
    exact, unknown = read_manifest(listed({"bytes": "1657550587"}, {"file": "b.csv"}))
    assert (exact.size, unknown.size) == ("1.66GB", "size unknown")


def test_one_file_is_found_or_the_nearest_named(listed: Callable[..., Path]):
    files = read_manifest(listed({}, {"data_set": "growls"}))
    assert find(files, "growls", "labels.csv") is files[1]
    with pytest.raises(SettingsError, match="no data set 'growl'; did you mean 'growls'"):
        find(files, "growl", "labels.csv")
    with pytest.raises(SettingsError, match=r"no file 'label\.csv' of barks; did you mean 'labels\.csv'"):
        find(files, "barks", "label.csv")


def test_a_missing_manifest_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"none\.tsv: no such file"):
        read_manifest(tmp_path / "none.tsv")
