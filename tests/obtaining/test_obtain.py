"""A file comes from where it is to its place below the data root; a receipt says so; nothing is done twice."""

import errno
import fcntl
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from web_server import Turn, WebServer

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_json, read_table
from sedrepro.cli import main
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining import obtain as module
from sedrepro.obtaining.archives import Unpacked
from sedrepro.obtaining.checksums import COLUMNS
from sedrepro.obtaining.download import KEPT_FREE
from sedrepro.obtaining.obtain import archive_path, fetch_packed, obtain, receipt_path
from sedrepro.obtaining.web import Web

PROJECT = Path(__file__).parents[2]
LABELS = b"filename\tevent_label\nbark.wav\tDog\n"
OTHER = LABELS.replace(b"Dog", b"Cat")


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def known(content: bytes) -> dict[str, str]:
    """What the manifest says of a file that it knows well."""
    return {"bytes": str(len(content)), "checksum": md5(content)}


def zipped(**files: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"Barks.audio/{name}.wav", content)
        archive.writestr("__MACOSX/rest", b"rest")
    return memory.getvalue()


AUDIO = zipped(first=b"woof", second=b"wuff" * 1000)


@pytest.fixture
def web() -> Web:
    return Web(attempts=2, timeout=(2.0, 0.3), sleep=lambda _: None, say=lambda _: None)


@pytest.fixture
def one(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config]
) -> Callable[..., tuple[Config, str]]:
    """A project whose manifest lists one file, which the server has; its configuration and the file's address."""

    def make(name: str = "labels.csv", content: bytes = LABELS, **row: str) -> tuple[Config, str]:
        address = server.serve(f"/official/{name}", content)
        listed({"file": name, "addresses": address} | row)
        return configured(), address

    return make


def assert_placed(config: Config, content: bytes = LABELS) -> None:
    placed = config.corpora_dir / "Barks" / "labels.csv"
    assert placed.read_bytes() == content
    assert not placed.is_symlink()
    assert [path.name for path in placed.parent.iterdir()] == ["labels.csv"]


# Receipts, and nothing twice


def test_a_label_table(one: Callable[..., tuple[Config, str]], web: Web):
    config, address = one(**known(LABELS))
    receipt = obtain(config, "barks", "labels.csv", web)
    assert receipt == config.corpora_dir / "obtained" / "barks" / "labels.csv.json"
    assert_placed(config)
    facts = read_json(receipt)
    assert len(facts.pop("date")) == 10
    assert facts == {
        "data_set": "barks",
        "file": "labels.csv",
        "address": address,
        "bytes": len(LABELS),
        "checksum": md5(LABELS),
        "files": 1,
        "example": "labels.csv",
        "unpacked_bytes": len(LABELS),
        "left_out": 0,
    }
    assert not config.checksums.exists(), "the manifest knows"


def test_an_archive(one: Callable[..., tuple[Config, str]], web: Web):
    config, _ = one("audio.zip", AUDIO, **known(AUDIO), kept="Barks.audio")
    facts = read_json(obtain(config, "barks", "audio.zip", web))
    folder = config.corpora_dir / "Barks" / "Barks.audio"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "first.wav": b"woof",
        "second.wav": b"wuff" * 1000,
    }
    assert (facts["files"], facts["unpacked_bytes"], facts["bytes"]) == (2, 4004, len(AUDIO))
    assert archive_path(config, module.find(module.manifest_of(config), "barks", "audio.zip")).read_bytes() == AUDIO


def test_what_the_manifest_says_of_an_archive_is_heeded(
    one: Callable[..., tuple[Config, str]], web: Web, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def note(*arguments: object, resume: bool) -> Unpacked:
        asked.append((*arguments, resume))
        return Unpacked(files=3, example="first.wav", bytes=4, written=2, left_out=1, first_left_out=("x",), ignored=0)

    monkeypatch.setattr(module, "unpack", note)
    config, _ = one("audio.zip", AUDIO, kept="a,b", passwords="c d", into="Barks/audio")
    facts = read_json(obtain(config, "barks", "audio.zip", web))
    archive = config.archives_dir / "barks" / "audio.zip"
    assert asked == [(archive, config.corpora_dir / "Barks/audio", ("a", "b"), ("c", "d"), False)]
    assert (facts["files"], facts["unpacked_bytes"], facts["left_out"]) == (3, 4, 1)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("with_receipt", [True, False])
@pytest.mark.parametrize(("name", "content"), [("labels.csv", LABELS), ("audio.zip", AUDIO)])
def test_nothing_is_fetched_twice(
    one: Callable[..., tuple[Config, str]],
    server: WebServer,
    web: Web,
    keep: bool,
    with_receipt: bool,
    name: str,
    content: bytes,
):
    config = one(name, content, **known(content))[0].model_copy(update={"keep_archives": keep})
    receipt = obtain(config, "barks", name, web)
    first = read_json(receipt)
    assert len(server.requests) == 1
    archive = config.archives_dir / "barks" / name
    assert archive.exists() == keep
    if not with_receipt:  # Snakemake deletes it when it runs the job again
        receipt.unlink()
    assert read_json(obtain(config, "barks", name, web)) == first
    assert len(server.requests) == 1
    assert archive.exists() == keep
    assert list((config.corpora_dir / "Barks").rglob("*.*"))


@pytest.mark.parametrize("keep", [True, False])
def test_a_file_with_another_checksum_by_now_is_fetched_anew(
    one: Callable[..., tuple[Config, str]], listed: Callable[..., Path], server: WebServer, web: Web, keep: bool
):
    config, address = one(**known(LABELS))
    config = config.model_copy(update={"keep_archives": keep})
    obtain(config, "barks", "labels.csv", web)
    server.serve("/official/labels.csv", OTHER)
    listed({"addresses": address} | known(OTHER))
    assert read_json(obtain(config, "barks", "labels.csv", web))["checksum"] == md5(OTHER)
    assert_placed(config, OTHER)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("there", "requests"), [(LABELS, 0), (OTHER, 1)])
def test_a_file_that_lies_there_is_taken_if_it_is_right(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, there: bytes, requests: int
):
    config, _ = one(**known(LABELS))
    archive = config.archives_dir / "barks" / "labels.csv"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(there)
    assert read_json(obtain(config, "barks", "labels.csv", web))["checksum"] == md5(LABELS)
    assert_placed(config)
    assert len(server.requests) == requests


def test_a_file_of_unknown_checksum_that_lies_there_is_not_trusted(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web
):
    config, _ = one()
    archive = config.archives_dir / "barks" / "labels.csv"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(OTHER)
    obtain(config, "barks", "labels.csv", web)
    assert_placed(config)


def test_archives_may_lie_elsewhere(one: Callable[..., tuple[Config, str]], web: Web, tmp_path: Path):
    config = one()[0].model_copy(update={"archives": tmp_path / "large disk"})
    assert obtain(config, "barks", "labels.csv", web).is_relative_to(config.corpora_dir)
    assert (tmp_path / "large disk" / "barks" / "labels.csv").read_bytes() == LABELS
    assert_placed(config)
    assert not (config.corpora_dir / "archives").exists()


@pytest.mark.parametrize("row", [known(AUDIO), {}])
def test_archives_may_serve_several_data_roots(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, tmp_path: Path, row: dict[str, str]
):
    config, _ = one("audio.zip", AUDIO, kept="Barks.audio", **row)
    mine = config.model_copy(update={"archives": tmp_path / "archives"})
    yours = mine.model_copy(update={"data_root": tmp_path / "yours"})
    first = read_json(obtain(mine, "barks", "audio.zip", web))
    assert not yours.corpora_dir.exists()
    assert read_json(obtain(yours, "barks", "audio.zip", web)) == first
    assert_unpacked(yours)
    assert len(server.requests) == 1


# The same archive again, or another version of it


def assert_unpacked(config: Config, first: bytes = b"woof") -> None:
    folder = config.corpora_dir / "Barks" / "Barks.audio"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "first.wav": first,
        "second.wav": b"wuff" * 1000,
    }


def killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def two_versions(
    one: Callable[..., tuple[Config, str]], listed: Callable[..., Path], server: WebServer, web: Web
) -> Config:
    """One version is in place; by now server and manifest have another, whose files are as long."""
    config, address = one("audio.zip", AUDIO, kept="Barks.audio", **known(AUDIO))
    obtain(config, "barks", "audio.zip", web)
    content = zipped(first=b"yelp", second=b"wuff" * 1000)
    server.serve("/official/audio.zip", content)
    listed({"file": "audio.zip", "addresses": address, "kept": "Barks.audio"} | known(content))
    return config


@pytest.mark.parametrize("keep", [True, False])
def test_another_version_of_an_archive_replaces_the_files(two_versions: Config, web: Web, keep: bool):
    obtain(two_versions.model_copy(update={"keep_archives": keep}), "barks", "audio.zip", web)
    assert_unpacked(two_versions, first=b"yelp")


def test_a_kill_while_files_are_replaced_leaves_none_of_the_old_version(
    two_versions: Config, web: Web, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "unpack", killed)
        obtain(two_versions, "barks", "audio.zip", web)
    obtain(two_versions, "barks", "audio.zip", web)
    assert_unpacked(two_versions, first=b"yelp")


def test_files_that_lay_there_before_are_replaced(one: Callable[..., tuple[Config, str]], web: Web):
    config, _ = one("audio.zip", AUDIO, kept="Barks.audio", **known(AUDIO))
    there = config.corpora_dir / "Barks" / "Barks.audio" / "first.wav"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"miau")
    obtain(config, "barks", "audio.zip", web)
    assert_unpacked(config)


def test_what_a_killed_job_unpacked_is_not_unpacked_again(
    one: Callable[..., tuple[Config, str]], web: Web, monkeypatch: pytest.MonkeyPatch
):
    config, _ = one("audio.zip", AUDIO, kept="Barks.audio", **known(AUDIO))
    unpack = module.unpack

    def unpack_and_die(*arguments: object, **more: object) -> None:
        unpack(*arguments, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "unpack", unpack_and_die)
        obtain(config, "barks", "audio.zip", web)
    folder = config.corpora_dir / "Barks" / "Barks.audio"
    (folder / "second.wav").unlink()
    before = (folder / "first.wav").stat()
    obtain(config, "barks", "audio.zip", web)
    assert_unpacked(config)
    after = (folder / "first.wav").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("name", "content", "kept"), [("labels.csv", LABELS, ""), ("audio.zip", AUDIO, "Barks.audio"), ("b.zip", AUDIO, "")]
)
def test_contents_that_were_deleted_are_obtained_anew(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, name: str, content: bytes, kept: str
):
    """Although neither archive nor receipt is there, a note says that they were; only the contents count."""
    config = one(name, content, kept=kept, **known(content))[0].model_copy(update={"keep_archives": False})
    receipt = obtain(config, "barks", name, web)
    before = {path: path.read_bytes() for path in (config.corpora_dir / "Barks").rglob("*.*") if path.is_file()}
    receipt.unlink()
    for path in before:  # the folders stay: other archives may have files there
        path.unlink()
    assert obtain(config, "barks", name, web) == receipt
    assert before
    assert {path: path.read_bytes() for path in before} == before
    assert len(server.requests) == 2


# Several addresses


def test_the_second_address_is_taken_if_the_first_fails(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web
):
    said = []
    web.say = said.append
    first, second = server.serve("/gone.csv", b"", always=Turn(status=410)), server.serve("/there.csv", LABELS)
    listed({"addresses": f"{first} {second}"})
    config = configured()
    assert read_json(obtain(config, "barks", "labels.csv", web))["address"] == second
    assert_placed(config)
    assert said == [f"labels.csv: {first}: the server answers 410 Gone"]
    assert [row["address"] for row in read_table(config.checksums, COLUMNS)] == [second]


def test_no_address_delivers(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web
):
    page = b"<html><title>Quota\nexceeded</title>"
    addresses = [
        server.serve("/gone.csv", b"", always=Turn(status=404)),
        server.serve("/busy.csv", b"", always=Turn(status=503)),
        server.serve("/page.csv", page),
        server.serve("/wrong.csv", OTHER),
        "nonsense",
    ]
    listed({"addresses": " ".join(addresses), "checksum": md5(LABELS)})
    config = configured()
    with pytest.raises(DataError) as caught:
        obtain(config, "barks", "labels.csv", web)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("barks: labels.csv cannot be downloaded: ")
    assert f"{addresses[0]}: the server answers 404 Not Found; {addresses[1]}: the server answers 503 " in line
    assert f"; {addresses[2]}: sends a web page titled 'Quota exceeded' instead of the file; " in line
    assert f"; {addresses[3]}: has the checksum {md5(OTHER)}, not {md5(LABELS)} as manifest says; " in line
    assert f"; {addresses[4]}: is no address" in line
    assert line.endswith(" or put the file into a folder DIR as DIR/barks/labels.csv and set mirror=DIR")
    assert not list(config.archives_dir.rglob("*.json"))
    assert not (config.corpora_dir / "Barks").exists()


def test_a_small_disk_is_not_tried_with_the_next_address(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web
):
    addresses = [server.serve(f"/{name}.csv", LABELS) for name in "ab"]
    listed({"addresses": " ".join(addresses)})
    web.free_space = lambda _: KEPT_FREE
    with pytest.raises(DataError, match="are free; free space, or set `archives`"):
        obtain(configured(), "barks", "labels.csv", web)
    assert [request.path for request in server.requests] == ["/a.csv"]


def test_an_archive_that_does_not_unpack_leaves_no_receipt(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web
):
    config, _ = one("audio.zip", AUDIO[:-30], **known(AUDIO[:-30]))
    for _ in range(2):
        with pytest.raises(DataError, match=r"audio\.zip"):
            obtain(config, "barks", "audio.zip", web)
    names = sorted(path.name for path in (config.archives_dir / "barks").iterdir())
    assert names == [".audio.zip.lock", "audio.zip", "audio.zip.source.json"]
    assert len(server.requests) == 1
    assert not list(config.receipts_dir.rglob("*audio.zip.json"))


@pytest.mark.parametrize("bring", [obtain, fetch_packed])
def test_miniature_is_refused(one: Callable[..., tuple[Config, str]], server: WebServer, bring: Callable):
    config = one()[0].model_copy(update={"scale": "miniature"})
    with pytest.raises(SettingsError, match="nothing is downloaded at scale 'miniature'; add --scale full"):
        bring(config, "barks", "labels.csv")
    assert server.requests == []
    assert not config.corpora_dir.exists()


def test_a_file_that_stays_packed(one: Callable[..., tuple[Config, str]], server: WebServer):
    """Nothing of it is put in place, so that a user's own copy stays one."""
    config, _ = one("audio.zip", AUDIO, use="mirror", **known(AUDIO))
    for _ in range(2):
        packed = fetch_packed(config, "barks", "audio.zip")
        assert packed == config.archives_dir / "barks" / "audio.zip"
        assert packed.read_bytes() == AUDIO
    assert len(server.requests) == 1
    assert not config.receipts_dir.exists()
    assert not (config.corpora_dir / "Barks").exists()


def test_a_file_system_without_locks(one: Callable[..., tuple[Config, str]], web: Web, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    config, _ = one()
    obtain(config, "barks", "labels.csv", web)
    assert_placed(config)


def test_unknown_names(one: Callable[..., tuple[Config, str]], web: Web):
    config, _ = one()
    with pytest.raises(SettingsError, match=r"did you mean 'labels\.csv'"):
        obtain(config, "barks", "label.csv", web)
    with pytest.raises(SettingsError, match="did you mean 'barks'"):
        obtain(config, "bark", "labels.csv", web)
    assert not config.corpora_dir.exists()


def test_the_command_says_one_line(
    one: Callable[..., tuple[Config, str]], server: WebServer, capsys: pytest.CaptureFixture, tmp_path: Path
):
    config, address = one()
    server.serve("/official/labels.csv", LABELS, [Turn(status=404)])
    config.data_root.mkdir()
    words = ["obtain", "--config", str(PROJECT / "config" / "full.yaml"), "--data-set", "barks", "--file", "labels.csv"]
    for key in ("data_root", "manifest", "checksums"):
        words += ["--set", f"{key}={getattr(config, key)}"]
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith(
        f"sedrepro obtain: error: barks: labels.csv cannot be downloaded: {address}: the server answers 404 Not Found."
    )
    assert main(words) == 0
    assert_placed(config)


# What nobody published


def test_the_record_is_asked_once_for_all(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web, tmp_path: Path
):
    entry = {"key": "labels.csv", "size": len(LABELS), "checksum": md5(LABELS)}
    listed({"addresses": server.serve_record(7, "labels.csv", LABELS, [entry])})
    for copy in ("mine", "yours"):
        obtain(configured(data_root=tmp_path / copy), "barks", "labels.csv", web)
    file = "/records/7/files/labels.csv"
    assert [request.path for request in server.requests] == ["/api/records/7", file, file]


def test_the_first_download_counts(one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, tmp_path: Path):
    config, address = one()
    obtain(config, "barks", "labels.csv", web)
    (row,) = read_table(config.checksums, COLUMNS)
    assert (row["address"], row["bytes"], row["checksum"]) == (address, str(len(LABELS)), md5(LABELS))
    assert row["origin"] == "first download"
    server.serve("/official/labels.csv", OTHER)
    later = config.model_copy(update={"data_root": tmp_path / "later"})
    with pytest.raises(DataError, match=f"has the checksum {md5(OTHER)}, not {md5(LABELS)} as {config.checksums} says"):
        obtain(later, "barks", "labels.csv", web)
    assert read_table(config.checksums, COLUMNS) == [row]


def test_another_address_must_deliver_what_the_first_did(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web, tmp_path: Path
):
    """Two addresses of a file host; neither knows a checksum."""
    drive, copy = server.serve("/drive?id=1", LABELS), server.serve("/copy?id=1", OTHER)
    listed({"addresses": f"{drive} {copy}"})
    obtain(configured(), "barks", "labels.csv", web)
    server.serve("/drive?id=1", b"", always=Turn(status=404))
    later = configured(data_root=tmp_path / "later")
    with pytest.raises(DataError, match=f"{md5(OTHER)}, not {md5(LABELS)} as {later.checksums} says"):
        obtain(later, "barks", "labels.csv", web)
    server.serve("/copy?id=1", LABELS)
    assert read_json(obtain(later, "barks", "labels.csv", web))["address"] == copy
    assert_placed(later)


def record_and_copy(server: WebServer, listed: Callable[..., Path], turn: Turn) -> tuple[str, str]:
    """A file with two addresses, of a record whose API does as told, and of another server; returns them."""
    entry = {"key": "labels.csv", "size": len(LABELS), "checksum": md5(LABELS)}
    record, copy = server.serve_record(7, "labels.csv", LABELS, [entry]), server.serve("/copy.csv", LABELS)
    server.files["/api/records/7"].always = turn
    listed({"addresses": f"{record} {copy}"})
    return record, copy


@pytest.mark.parametrize("status", [404, 503])
def test_a_record_whose_api_does_not_answer_is_not_trusted(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web, status: int
):
    """Its file is not asked for; the next address is."""
    _, copy = record_and_copy(server, listed, Turn(status=status))
    config = configured()
    assert read_json(obtain(config, "barks", "labels.csv", web))["address"] == copy
    assert server.asked("/records/7/files/labels.csv") == []
    assert [row["address"] for row in read_table(config.checksums, COLUMNS)] == [copy]


def test_a_record_whose_api_never_answers_is_named(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web
):
    record, _ = record_and_copy(server, listed, Turn(status=503))
    listed({"addresses": record})
    config = configured()
    with pytest.raises(DataError, match=f"{record}: the record's API {server.url}/api/records/7: .* 503 .*attempts"):
        obtain(config, "barks", "labels.csv", web)
    assert not config.checksums.exists()
    server.files["/api/records/7"].always = Turn()
    assert read_json(obtain(config, "barks", "labels.csv", web))["address"] == record


def test_a_first_download_that_does_not_unpack_is_not_pinned(one: Callable[..., tuple[Config, str]], web: Web):
    config, _ = one("audio.zip", AUDIO[:-30])
    with pytest.raises(DataError, match="without its end; delete the archive and download it again"):
        obtain(config, "barks", "audio.zip", web)
    assert not config.checksums.exists()


# Mirrors


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("row", [known(LABELS), {}])
def test_a_mirror_on_the_web_is_asked_and_nobody_else(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, slash: str, row: dict[str, str]
):
    config, _ = one(**row)
    address = server.serve("/copies/barks/labels.csv", LABELS)
    config = config.model_copy(update={"mirror": f"{server.url}/copies{slash}"})
    assert read_json(obtain(config, "barks", "labels.csv", web))["address"] == address
    assert_placed(config)
    assert [request.path for request in server.requests] == ["/copies/barks/labels.csv"]
    assert not config.checksums.exists()  # what a mirror has says nothing of the official file


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("pinned", [True, False])
def test_a_damaged_mirror_is_named(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, tmp_path: Path, folder: bool, pinned: bool
):
    """What the mirror has must be what the manifest says, or what the official address delivered before."""
    config, _ = one(**({} if pinned else known(LABELS)))
    if pinned:
        obtain(config.model_copy(update={"data_root": tmp_path / "before"}), "barks", "labels.csv", web)
    address = server.serve("/copies/barks/labels.csv", OTHER)
    copy = tmp_path / "copies" / "barks" / "labels.csv"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(OTHER)
    mirror = str(tmp_path / "copies") if folder else f"{server.url}/copies"
    origin = str(config.checksums) if pinned else "manifest"
    with pytest.raises(DataError) as caught:
        obtain(config.model_copy(update={"mirror": mirror}), "barks", "labels.csv", web)
    where = copy if folder else address
    assert f"{where}: has the checksum {md5(OTHER)}, not {md5(LABELS)} as {origin} says" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (config.archives_dir / "barks" / "labels.csv.json").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of archives that serves as a mirror."""
    copies = tmp_path / "copies" / "barks"
    copies.mkdir(parents=True)
    (copies / "labels.csv").write_bytes(LABELS)
    (copies / "audio.zip").write_bytes(AUDIO)
    return copies.parent


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("name", "content"), [("labels.csv", LABELS), ("audio.zip", AUDIO)])
def test_a_mirror_on_disk_is_linked(
    one: Callable[..., tuple[Config, str]],
    server: WebServer,
    folder: Path,
    keep: bool,
    name: str,
    content: bytes,
):
    config, _ = one(name, content, **known(content))
    config = config.model_copy(update={"mirror": str(folder), "keep_archives": keep})
    for _ in range(2):
        facts = read_json(obtain(config, "barks", name))
        assert (facts["address"], facts["checksum"]) == (str(folder / "barks" / name), md5(content))
    assert server.requests == []
    assert (folder / "barks" / name).read_bytes() == content
    archive = config.archives_dir / "barks" / name
    assert archive.is_symlink() == keep
    if name == "labels.csv":
        assert_placed(config)


def test_a_link_replaces_what_lay_there(one: Callable[..., tuple[Config, str]], folder: Path, tmp_path: Path):
    config, _ = one()
    archive = config.archives_dir / "barks" / "labels.csv"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(OTHER)
    obtain(config.model_copy(update={"mirror": str(folder)}), "barks", "labels.csv")
    assert archive.resolve() == folder / "barks" / "labels.csv"
    folder.rename(tmp_path / "moved")
    obtain(config.model_copy(update={"mirror": str(tmp_path / "moved")}), "barks", "labels.csv")
    assert archive.read_bytes() == LABELS


def test_a_relative_mirror(one: Callable[..., tuple[Config, str]], folder: Path, monkeypatch: pytest.MonkeyPatch):
    config, _ = one()
    monkeypatch.chdir(folder.parent)
    obtain(config.model_copy(update={"mirror": "copies"}), "barks", "labels.csv")
    monkeypatch.chdir("/")
    assert (config.archives_dir / "barks" / "labels.csv").read_bytes() == LABELS


def test_a_mirror_of_ones_own_archives(one: Callable[..., tuple[Config, str]], web: Web, tmp_path: Path):
    config, _ = one(**known(LABELS))
    obtain(config, "barks", "labels.csv", web)
    yours = config.model_copy(update={"data_root": tmp_path / "yours", "mirror": str(config.archives_dir)})
    obtain(yours, "barks", "labels.csv")
    assert_placed(yours)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("by_link", [True, False])
@pytest.mark.parametrize("row", [known(LABELS), {}])
def test_the_mirror_may_be_the_own_folder_of_archives(
    one: Callable[..., tuple[Config, str]], tmp_path: Path, keep: bool, by_link: bool, row: dict[str, str]
):
    """Then it holds the only copy of what the user put there by hand."""
    config, _ = one(**row)
    archive = config.archives_dir / "barks" / "labels.csv"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(LABELS)
    (tmp_path / "link").symlink_to(config.archives_dir)
    mirror = tmp_path / "link" if by_link else config.archives_dir
    config = config.model_copy(update={"mirror": str(mirror), "keep_archives": keep})
    for _ in range(2):
        obtain(config, "barks", "labels.csv").unlink()
        assert_placed(config)
        assert not archive.is_symlink()
        assert archive.read_bytes() == LABELS


def test_a_file_system_without_links(
    one: Callable[..., tuple[Config, str]], folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(source: Path, link: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(source), None, str(link))

    monkeypatch.setattr(os, "symlink", refuse)
    config = one()[0].model_copy(update={"mirror": str(folder)})
    with pytest.raises(DataError) as caught:
        obtain(config, "barks", "labels.csv")
    archive = config.archives_dir / "barks" / "labels.csv"
    assert str(caught.value).startswith(f"{archive}: cannot be linked to {folder}/barks/labels.csv (Operation not ")
    assert "\n" not in str(caught.value)
    assert [path.name for path in archive.parent.iterdir()] == [".labels.csv.lock"]
    assert (folder / "barks" / "labels.csv").read_bytes() == LABELS
    own = config.model_copy(update={"archives": folder})
    obtain(own, "barks", "labels.csv")
    assert_placed(own)


def test_what_came_from_a_mirror_is_never_pinned(one: Callable[..., tuple[Config, str]], folder: Path, web: Web):
    """Not even if it is put in place without the mirror."""
    config, _ = one()
    obtain(config.model_copy(update={"mirror": str(folder)}), "barks", "labels.csv").unlink()
    obtain(config, "barks", "labels.csv", web)
    assert not config.checksums.exists()


def test_a_file_that_the_mirror_lacks_is_named(one: Callable[..., tuple[Config, str]], folder: Path):
    config, _ = one()
    (folder / "barks" / "labels.csv").unlink()
    with pytest.raises(DataError) as caught:
        obtain(config.model_copy(update={"mirror": str(folder)}), "barks", "labels.csv")
    assert str(caught.value).startswith(f"{folder}/barks/labels.csv: no such file in the mirror; ")


def test_a_mirror_that_is_gone_later(one: Callable[..., tuple[Config, str]], server: WebServer, folder: Path, web: Web):
    config, _ = one(**known(LABELS))
    obtain(config.model_copy(update={"mirror": str(folder)}), "barks", "labels.csv")
    (folder / "barks" / "labels.csv").unlink()
    obtain(config, "barks", "labels.csv", web)
    assert (config.archives_dir / "barks" / "labels.csv").read_bytes() == LABELS
    assert len(server.requests) == 1


# Several at once


def command(config: Config, name: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "sedrepro", "obtain", "--data-set", "barks", "--file", name]
    words += ["--config", str(PROJECT / "config" / "full.yaml")]
    for key in ("data_root", "manifest", "checksums"):
        words += ["--set", f"{key}={getattr(config, key)}"]
    config.data_root.mkdir(exist_ok=True)
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_never_more_than_a_few_transfers(
    server: WebServer, listed: Callable[..., Path], configured: Callable[..., Config], web: Web
):
    """Six processes and six threads, each with a file of its own."""
    slow = Turn(chunk=30_000, pause=0.1)
    contents = {f"{number}.csv": random.Random(number).randbytes(60_000) for number in range(12)}
    addresses = {name: server.serve(f"/{name}", content, always=slow) for name, content in contents.items()}
    listed(*({"file": name, "addresses": addresses[name]} | known(contents[name]) for name in contents))
    config = configured()
    processes = [command(config, name) for name in [*contents][:6]]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: obtain(config, "barks", name, web), [*contents][6:]))
    assert [process.wait() for process in processes] == 6 * [0]
    assert server.most_active == 3
    assert {path.name: path.read_bytes() for path in (config.corpora_dir / "Barks").iterdir()} == contents
    assert len(server.requests) == len(contents)


def test_two_processes_fetch_a_file_once(one: Callable[..., tuple[Config, str]], server: WebServer):
    config, _ = one("audio.zip", AUDIO, **known(AUDIO))
    server.files["/official/audio.zip"].always = Turn(chunk=1000, pause=0.1)
    processes = [command(config, "audio.zip") for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(server.requests) == 1


def test_a_process_that_waits_takes_no_place_away(
    one: Callable[..., tuple[Config, str]], server: WebServer, web: Web, monkeypatch: pytest.MonkeyPatch
):
    """A place is free again when a transfer fails."""
    config, _ = one()
    monkeypatch.setattr(module, "DOWNLOADS_AT_A_TIME", 1)
    server.serve("/official/labels.csv", LABELS, [Turn(status=404)])
    with pytest.raises(DataError):
        obtain(config, "barks", "labels.csv", web)
    done = threading.Thread(target=obtain, args=(config, "barks", "labels.csv", web), daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()


# Killed


def test_killed_again_and_again_it_arrives(one: Callable[..., tuple[Config, str]], server: WebServer):
    """SIGKILL, at random, in the middle of the transfer; the next process goes on where the last one was."""
    draw, content = random.Random(5), random.Random(6).randbytes(3 * 2**20)
    config, _ = one(content=content)
    server.files["/official/labels.csv"].always = Turn(chunk=2**14, pause=0.002)
    here, part = 0, config.archives_dir / "barks" / "labels.csv.part"
    for _ in range(5):
        enough = here + draw.randint(50_000, 500_000)
        process = command(config, "labels.csv")
        while process.poll() is None and here < enough:
            time.sleep(0.005)
            here = part.stat().st_size if part.exists() else 0
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not (config.corpora_dir / "Barks").exists()
        assert not (config.archives_dir / "barks" / "labels.csv").exists()
    process = command(config, "labels.csv")
    assert process.wait() == 0, process.stderr.read()
    assert_placed(config, content)
    starts = [request.start for request in server.requests]
    assert len(starts) == 6
    assert starts == sorted(set(starts)), "each went on where the one before had come to"
    assert starts[-1] >= 250_000


def test_killed_at_any_time_it_arrives(one: Callable[..., tuple[Config, str]], server: WebServer):
    """As above, but also while it starts, or puts the file in place."""
    draw, content = random.Random(7), AUDIO
    config, _ = one("audio.zip", content, kept="Barks.audio")
    server.files["/official/audio.zip"].always = Turn(chunk=500, pause=0.01)
    for _ in range(5):
        process = command(config, "audio.zip")
        time.sleep(draw.uniform(0.1, 0.6))
        process.kill()
        process.wait()
    process = command(config, "audio.zip")
    assert process.wait() == 0, process.stderr.read()
    folder = config.corpora_dir / "Barks" / "Barks.audio"
    assert (folder / "second.wav").read_bytes() == b"wuff" * 1000
    assert read_json(receipt_path(config, module.manifest_of(config)[0]))["checksum"] == md5(content)
