"""Clips that lie in no archive come from the sources that are named, and the data set is surveyed again afterwards."""

import io
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from web_server import WebServer

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_json
from sedrepro.data_sets import dcase2019_task4, desed_2020
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining.plan import origin_of
from sedrepro.obtaining.single_clips import Wishes, take_single_clips, taken_stamp

WEAK = [f"Y{letter * 11}_0.000_10.000.wav" for letter in "abc"]
VALIDATION = f"Y{'d' * 11}_0.000_10.000.wav"
TABLES = {
    "weak": "filename\tevent_labels\n" + "".join(f"{name}\tDog\n" for name in WEAK),
    "validation": f"filename\tonset\toffset\tevent_label\n{VALIDATION}\t1\t2\tDog\n",
}


def audio() -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, np.arange(3200, dtype=np.int16), 32000, format="WAV")
    return memory.getvalue()


@pytest.fixture
def config(listed: Callable[..., Path], configured: Callable[..., Config], server: WebServer) -> Config:
    """A user's own copy of the tables of DESED without audio; the manifest lists a mirror that has two clips of it."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name in WEAK[:2]:
            archive.writestr(f"somewhere/{name}", audio())
    row = {"data_set": "dcase2019_task4", "into": "DCASE2019_task4/dataset"}
    address = server.serve("/weak.zip", memory.getvalue())
    listed(row, row | {"file": "weak.zip", "addresses": address, "use": "mirror"})
    config = configured()
    for split, text in TABLES.items():
        table = config.corpora_dir / dcase2019_task4.TABLES[split]
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(text)
    return config


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one clip."""
    folder = tmp_path / "older download"
    folder.mkdir()
    (folder / WEAK[2]).write_bytes(audio())
    return folder


def there(config: Config) -> set[str]:
    return {path.name for path in config.corpora_dir.rglob("*.wav")}


def test_one_source_after_the_other(config: Config, source: Path, capsys: pytest.CaptureFixture):
    take_single_clips(config, "desed_2020", [str(source), "weak.zip"], Wishes())
    assert there(config) == set(WEAK)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"{source}: 0 clips were there, 1 taken, 3 are still missing",
        "weak.zip: 1 clips were there, 2 taken, 1 are still missing",
        "desed_2020: 1 of 4 clips are missing",
    ]
    assert read_json(taken_stamp(config, "desed_2020")) == {"clips": 4, "missing": 1}


def test_only_the_splits_that_are_named(config: Config, capsys: pytest.CaptureFixture):
    take_single_clips(config, "desed_2020", ["weak.zip"], Wishes(splits=("validation",)))
    assert there(config) == set()
    assert capsys.readouterr().out.splitlines()[-1] == "desed_2020: 1 of 1 clips are missing"


def test_data_sets_of_one_archive_share_their_clips_and_the_stamp(config: Config):
    stamps = {taken_stamp(config, name) for name in ("dcase2018_task4", "dcase2019_task4", "desed_2020")}
    assert len(stamps) == 1
    assert taken_stamp(config, "dcase2017_task4") not in stamps


def test_a_mirror_does_not_make_an_own_copy_a_downloaded_one(config: Config, server: WebServer):
    assert origin_of(config, "desed_2020") == "given"
    for _ in range(2):
        take_single_clips(config, "desed_2020", ["weak.zip"], Wishes())
    assert there(config) == set(WEAK[:2])
    assert [origin_of(config, name) for name in ("desed_2020", "dcase2019_task4")] == 2 * ["given"]
    assert len(server.requests) == 1


def test_nothing_missing_nothing_noted(config: Config, source: Path):
    for split, names in {"weak": WEAK, "validation": [VALIDATION]}.items():
        folder = config.corpora_dir / dcase2019_task4.AUDIO[split]
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(audio())
    take_single_clips(config, "desed_2020", [str(source)], Wishes())
    assert not taken_stamp(config, "desed_2020").exists()


def test_a_source_that_fails_keeps_what_others_brought(config: Config, source: Path, tmp_path: Path):
    (tmp_path / "none.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"none\.zip"):
        take_single_clips(config, "desed_2020", [str(source), str(tmp_path / "none.zip")], Wishes())
    assert there(config) == {WEAK[2]}
    assert read_json(taken_stamp(config, "desed_2020")) == {"clips": 4, "missing": 3}


def test_files_that_cannot_be_used_end_with_an_error_after_all_others(
    config: Config, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / Path(WEAK[0]).name).write_bytes(b"\0\0\0\x20ftypM4A " + bytes(99))
    with pytest.raises(DataError, match="1 files of clips cannot be used"):
        take_single_clips(config, "desed_2020", [str(damaged), str(source)], Wishes())
    assert there(config) == {WEAK[2]}
    assert "MPEG-4" in capsys.readouterr().out


KILLED = """
import os, signal, sys
from pathlib import Path
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining import single_clips
def take_and_die(*arguments):
    take_clips(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
take_clips, single_clips.take_clips = single_clips.take_clips, take_and_die
config = Config.model_validate_json(sys.argv[1])
single_clips.take_single_clips(config, "desed_2020", [sys.argv[2]], single_clips.Wishes())
"""


def test_a_kill_once_clips_were_taken_leaves_the_stamp(config: Config, source: Path):
    """They are there, so the data set must be surveyed again."""
    words = [sys.executable, "-c", KILLED, config.model_dump_json(), str(source)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert there(config) == {WEAK[2]}
    stamp = taken_stamp(config, "desed_2020")
    assert stamp.is_file()
    before = stamp.stat().st_mtime_ns
    take_single_clips(config, "desed_2020", [str(source)], Wishes())
    assert read_json(stamp) == {"clips": 4, "missing": 3}
    assert stamp.stat().st_mtime_ns > before


# Refused before anything is done


def test_miniature_is_refused(config: Config, source: Path):
    with pytest.raises(SettingsError, match="scale 'miniature' has synthesised clips, all of them; add --scale full"):
        take_single_clips(config.model_copy(update={"scale": "miniature"}), "desed_2020", [str(source)], Wishes())
    assert there(config) == set()


@pytest.mark.parametrize(
    ("name", "sources", "splits", "problem"),
    [
        (
            "desed_2020",
            ["none.zip"],
            (),
            r"source 'none\.zip' is not a folder or archive, and none of: youtube, weak\.zip",
        ),
        ("desed_2020", ["labels.csv"], (), r"source 'labels\.csv' is not a folder or archive"),
        ("desed_2020", ["youtube"], (), "--accept-terms"),
        ("desed_2020", ["weak.zip"], ("week",), "desed_2020 has no split 'week'; did you mean 'weak'"),
        ("desed_2021", ["weak.zip"], (), "data set 'desed_2021' is unknown; did you mean 'desed_2020'"),
        (
            "fsdkaggle2018",
            ["weak.zip"],
            (),
            r"all its clips are in archives; name the splits \(train\) to get them anyway",
        ),
    ],
)
def test_wrong_wishes(
    config: Config,
    server: WebServer,
    source: Path,
    name: str,
    sources: list[str],
    splits: tuple[str, ...],
    problem: str,
):
    with pytest.raises(SettingsError, match=problem) as caught:
        take_single_clips(config, name, [str(source), *sources], Wishes(splits=splits))
    assert "\n" not in str(caught.value)
    assert there(config) == set()
    assert server.requests == []
    assert not config.receipts_dir.exists()


def test_the_tables_must_be_there(config: Config, source: Path):
    (config.corpora_dir / desed_2020.LABELS[0]).unlink()
    with pytest.raises(DataError, match=r"weak\.tsv: no such file"):
        take_single_clips(config, "desed_2020", [str(source)], Wishes())
