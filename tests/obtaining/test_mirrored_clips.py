"""Clips come out of folders and archives under the names that other copies give them, or the report says why not."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedrepro.annotations.clips import Clip
from sedrepro.base.errors import DataError
from sedrepro.obtaining.mirrored_clips import NAMES_KEPT, take_clips

FIRST, SECOND, THIRD = "-5QrBL6MzLg", "Y_b-C_1_2_3", "1Ro0FgMWTUE"
NAMES = [f"audio/weak/Y{FIRST}_30.000_40.000.wav", f"audio/weak/Y{SECOND}_0.000_10.000.wav", "audio/12.wav"]


def clips(*names: str) -> list[Clip]:
    return [Clip(name, "weak", "video") for name in names]


def noise(seconds: float = 0.2, rate: int = 44100, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(3)
    return generator.integers(-9000, 9000, (round(seconds * rate), channels)).astype(np.int16)


def audio(samples: np.ndarray, rate: int = 44100, kind: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype, format=kind)
    return file.getvalue()


def as_folder(target: Path, files: dict[str, bytes]) -> Path:
    target.mkdir()
    for name, content in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return target


def as_zip(target: Path, files: dict[str, bytes]) -> Path:
    path = target.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_tar(target: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    path = target.with_suffix(".tar")
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def as_tar_gz(target: Path, files: dict[str, bytes]) -> Path:
    return as_tar(target, files, "w:gz")


every_source = pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar, as_tar_gz])


@every_source
def test_taken_from_every_kind_of_source(tmp_path: Path, pack: Callable):
    samples = noise()
    files = {
        f"mirror/Y{FIRST}_30.000_40.000.wav": audio(samples),
        f"deep/er/{SECOND}_0_10.flac": audio(samples, kind="FLAC"),
        "12.ogg": audio(samples, kind="OGG"),
        "mirror/readme.txt": b"about",
        "mirror/Yzzzzzzzzzzz_1_2.wav": audio(samples),
        f"mirror/._Y{FIRST}_30.000_40.000.wav": b"of macOS",
    }
    source, root = pack(tmp_path / "copy", files), tmp_path / "corpora"
    report = take_clips(source, clips(*NAMES, "audio/13.wav"), root)
    assert (report.taken, report.already_there, report.undecodable.count, report.too_low_rate.count) == (3, 0, 0, 0)
    assert (report.unmatched.count, report.unmatched.first) == (1, ["mirror/Yzzzzzzzzzzz_1_2.wav"])
    assert report.still_missing == ["audio/13.wav"]
    assert (root / NAMES[0]).read_bytes() == files[f"mirror/Y{FIRST}_30.000_40.000.wav"]
    decoded, rate = soundfile.read(root / NAMES[1], dtype="int16", always_2d=True)
    assert rate == 44100
    np.testing.assert_array_equal(decoded, samples)
    facts = soundfile.info(root / NAMES[2])
    assert (facts.format, facts.subtype, facts.channels) == ("WAV", "PCM_16", 1)
    assert sorted(p.name for p in root.rglob("*") if p.is_file()) == sorted(Path(n).name for n in NAMES)


@every_source
def test_taken_once(tmp_path: Path, pack: Callable):
    source = pack(tmp_path / "copy", {f"{FIRST}_30_40.wav": audio(noise())})
    take_clips(source, clips(*NAMES), tmp_path)
    before = (tmp_path / NAMES[0]).stat().st_mtime_ns
    again = take_clips(source, clips(*NAMES), tmp_path)
    assert (again.taken, again.already_there, again.unmatched.count) == (0, 1, 0)
    assert again.still_missing == NAMES[1:]
    assert (tmp_path / NAMES[0]).stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "stem", [f"Y{FIRST}_30.000_40.000", f"{FIRST}_30.000_40.000", f"Y{FIRST}_30_40", f"{FIRST}_30.0_40", f"Y{FIRST}"]
)
def test_names_of_other_copies(tmp_path: Path, stem: str):
    source = as_folder(tmp_path / "copy", {f"{stem}.wav": audio(noise())})
    assert take_clips(source, clips(*NAMES), tmp_path / "corpora").still_missing == NAMES[1:]


def test_packed_like_a_web_data_set(tmp_path: Path):
    files = {}
    for number, video_id in enumerate((FIRST, SECOND)):
        files[f"./{video_id}.flac"] = audio(noise(10), kind="FLAC")
        files[f"./{video_id}.json"] = f'{{"key": {number}}}'.encode()
    report = take_clips(as_tar(tmp_path / "wds-audio-train-000", files), clips(*NAMES), tmp_path / "corpora")
    assert (report.taken, report.unmatched.count, report.still_missing) == (2, 0, NAMES[2:])


def test_id_alone_needs_one_segment_and_the_length_of_a_clip(tmp_path: Path):
    two = [f"a/Y{FIRST}_0.000_10.000.wav", f"a/Y{FIRST}_30.000_40.000.wav"]
    source = as_folder(
        tmp_path / "copy",
        {f"{FIRST}.wav": audio(noise()), f"{SECOND}.wav": audio(noise(11.1)), f"Y{THIRD}.wav": audio(noise(11))},
    )
    root = tmp_path / "corpora"
    (root / "a").mkdir(parents=True)
    (root / two[0]).write_bytes(b"there: the file may be its copy, not that of the other segment")
    report = take_clips(source, clips(*two, f"a/Y{SECOND}_1_11.wav", f"a/{THIRD}_120_130.wav"), root)
    assert report.taken == 1
    assert (report.unmatched.first, report.too_long.first) == ([f"{FIRST}.wav"], [f"{SECOND}.wav"])
    assert report.still_missing == [two[1], f"a/Y{SECOND}_1_11.wav"]


def test_one_segment_under_two_names(tmp_path: Path):
    names = [f"validation/Y{FIRST}_30.000_40.000.wav", f"eval/{FIRST}_30_40.wav"]
    source = as_folder(tmp_path / "copy", {f"{FIRST}.wav": audio(noise())})
    assert take_clips(source, clips(*names), tmp_path / "corpora").taken == 2


def test_ambiguous_plain_names_are_not_taken(tmp_path: Path):
    source = as_folder(tmp_path / "copy", {"12.wav": audio(noise())})
    report = take_clips(source, clips("a/12.wav", "b/12.wav"), tmp_path / "corpora")
    assert (report.taken, report.unmatched.count) == (0, 1)


def test_low_rates_are_refused(tmp_path: Path):
    source = as_folder(
        tmp_path / "copy",
        {
            f"16/Y{FIRST}_30.000_40.000.wav": audio(noise(rate=16000), 16000),
            f"16/Y{SECOND}_0.000_10.000.wav": audio(noise(rate=16000), 16000),
            f"32/Y{SECOND}_0.000_10.000.wav": audio(noise(rate=32000), 32000),
        },
    )
    root = tmp_path / "corpora"
    report = take_clips(source, clips(*NAMES), root)
    assert (report.taken, report.too_low_rate.count) == (1, 2)
    assert "sample rate too low: 2 files" in str(report)
    assert soundfile.info(root / NAMES[1]).samplerate == 32000
    assert take_clips(source, clips(*NAMES), root, minimum_rate=0).taken == 1
    assert soundfile.info(root / NAMES[0]).samplerate == 16000


def test_six_channels(tmp_path: Path):
    samples = noise(channels=6)
    files = {f"Y{FIRST}.flac": audio(samples, kind="FLAC"), f"{SECOND}.wav": audio(samples)}
    root = tmp_path / "corpora"
    assert take_clips(as_folder(tmp_path / "copy", files), clips(*NAMES), root).taken == 2
    mono, _ = soundfile.read(root / NAMES[0], dtype="int16", always_2d=True)
    assert mono.shape[1] == 1
    np.testing.assert_allclose(mono[:, 0], samples.mean(axis=1), atol=0.51)
    assert (root / NAMES[1]).read_bytes() == files[f"{SECOND}.wav"]  # readers average the channels themselves


def test_wav_is_known_by_its_content(tmp_path: Path):
    content = audio(noise(), subtype="PCM_24")
    source = as_folder(tmp_path / "copy", {f"{FIRST}.mp3": content})
    take_clips(source, clips(*NAMES), tmp_path / "corpora")
    assert (tmp_path / "corpora" / NAMES[0]).read_bytes() == content


@every_source
@pytest.mark.parametrize(
    "content",
    [
        b"no audio",
        b"",
        audio(noise())[:-1000],
        audio(noise(), kind="FLAC")[:-3000],
        audio(noise()[:0]),
        audio(np.full(500, np.nan, np.float32), subtype="FLOAT"),
    ],
    ids=["text", "nothing", "short wav", "short flac", "no samples", "nan"],
)
def test_undecodable_files_leave_nothing(tmp_path: Path, pack: Callable, content: bytes):
    source = pack(tmp_path / "copy", {f"{FIRST}.wav": content, f"{SECOND}.wav": audio(noise())})
    report = take_clips(source, clips(*NAMES), tmp_path / "corpora")
    assert (report.taken, report.undecodable.first) == (1, [f"{FIRST}.wav"])
    assert [p.name for p in (tmp_path / "corpora").rglob("*") if p.is_file()] == [Path(NAMES[1]).name]


def test_a_zip_member_with_a_wrong_checksum_is_undecodable(tmp_path: Path):
    source = as_zip(tmp_path / "copy", {f"{FIRST}.wav": audio(noise()), f"{SECOND}.wav": audio(noise())})
    content = bytearray(source.read_bytes())
    content[1000] ^= 255
    source.write_bytes(content)
    report = take_clips(source, clips(*NAMES), tmp_path / "corpora")
    assert (report.taken, report.undecodable.first) == (1, [f"{FIRST}.wav"])


@every_source
def test_each_file_that_cannot_be_used_is_named_with_its_true_reason(tmp_path: Path, pack: Callable):
    names = [f"weak/Y{FIRST}_{start}_{start + 10}.wav" for start in range(0, 60, 10)]
    unknown = bytearray(audio(noise(), kind="FLAC"))
    unknown[21] &= 0xF0  # of unknown length
    unknown[22:26] = bytes(4)
    contents = [
        audio(noise(180, 1000), 1000),
        b"\0\0\0\x20ftypM4A " + bytes(500),
        audio(noise(), kind="OGG")[:-500],
        b"",
        bytes(unknown),
        audio(noise()),
    ]
    files = {Path(name).name: content for name, content in zip(names, contents, strict=True)}
    report = take_clips(pack(tmp_path / "copy", files), clips(*names), tmp_path / "corpora", minimum_rate=0)
    assert (report.taken, report.failed) == (2, 4)
    said = str(report)
    for words in ("lasts 180 s, its segment 10 s", "MPEG-4", "cut off", "empty"):
        assert words in said
    assert sorted(path.name for path in (tmp_path / "corpora/weak").iterdir()) == [Path(n).name for n in names[4:]]


def test_zips_of_old_windows_tools_and_endings_in_capitals_are_taken(tmp_path: Path):
    files = {f"mirror\\Y{FIRST}_30.000_40.000.WAV": audio(noise()), f"mirror\\deep\\{SECOND}.WaV": audio(noise())}
    report = take_clips(as_zip(tmp_path / "copy", files), clips(*NAMES), tmp_path / "corpora")
    assert (report.taken, report.unmatched.count) == (2, 0)
    assert all((tmp_path / "corpora" / name).is_file() for name in NAMES[:2])


def test_paths_in_archives_are_never_used(tmp_path: Path):
    files = {f"../../{FIRST}_30_40.wav": audio(noise()), f"/etc/{SECOND}_0_10.wav": audio(noise())}
    for pack in (as_tar, as_zip):
        root = tmp_path / pack.__name__
        assert take_clips(pack(tmp_path / "copy", files), clips(*NAMES), root).taken == 2
        assert {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} == set(NAMES[:2])


def test_links_in_archives_are_passed_over(tmp_path: Path):
    with tarfile.open(tmp_path / "copy.tar", "w") as archive:
        member = tarfile.TarInfo(f"{FIRST}.wav")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    assert take_clips(tmp_path / "copy.tar", clips(*NAMES), tmp_path / "corpora").still_missing == NAMES


@pytest.mark.parametrize("pack", [as_tar, as_tar_gz])
def test_a_tar_that_is_cut_off(tmp_path: Path, pack: Callable):
    source = pack(tmp_path / "copy", {f"{FIRST}.wav": audio(noise(2)), f"{SECOND}.wav": audio(noise(2))})
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * 0.7)])
    with pytest.raises(DataError, match=r"copy\.tar: the archive is cut off or corrupt"):
        take_clips(source, clips(*NAMES), tmp_path / "corpora")
    assert [p.name for p in (tmp_path / "corpora").rglob("*.wav")] == [Path(NAMES[0]).name]


@pytest.mark.parametrize("content", [b"", b"PK", b"7z or so" * 1000])
def test_other_files_are_no_archives(tmp_path: Path, content: bytes):
    source = tmp_path / "clips.7z"
    source.write_bytes(content)
    with pytest.raises(DataError, match=r"clips\.7z: is no whole tar or zip archive"):
        take_clips(source, clips(*NAMES), tmp_path / "corpora")


def test_missing_source(tmp_path: Path):
    with pytest.raises(DataError, match="nowhere: no such folder or archive"):
        take_clips(tmp_path / "nowhere", clips(*NAMES), tmp_path / "corpora")


def test_encrypted_zip(tmp_path: Path):
    source = as_zip(tmp_path / "copy", {f"{FIRST}.wav": audio(noise())})
    content = bytearray(source.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1  # the flag that says encrypted
    source.write_bytes(content)
    with pytest.raises(DataError, match="unpack it and give the folder"):
        take_clips(source, clips(*NAMES), tmp_path / "corpora")


def test_only_the_first_names_are_kept(tmp_path: Path):
    files = {f"{n:04}.wav": b"" for n in range(NAMES_KEPT + 5)}
    report = take_clips(as_folder(tmp_path / "copy", files), clips(*NAMES), tmp_path / "corpora")
    assert (report.unmatched.count, report.unmatched.first) == (25, sorted(files)[:20])
    assert "no clip of the data set: 25 files (0000.wav, " in str(report)


def test_source_around_the_data_root(tmp_path: Path):
    as_folder(tmp_path / "old", {f"{FIRST}.wav": audio(noise())})
    assert take_clips(tmp_path, clips(*NAMES), tmp_path / "old" / "corpora").taken == 1
    assert take_clips(tmp_path, clips(*NAMES), tmp_path / "old" / "corpora").already_there == 1
