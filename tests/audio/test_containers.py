"""Every container: read to its end whatever its header says, and never damaged without a word."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sedrepro.audio.containers import LONGEST_FRAME, LOST_FRAMES, Container, Spliced, look_into
from sedrepro.audio.reading import AudioError, opened, read_mixed

QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
CASES = Path(__file__).parents[2].parent / "shared" / "cases"
CONTAINERS = {
    "WAV": "PCM_16",
    "WAVEX": "FLOAT",
    "RF64": "PCM_24",
    "W64": "PCM_16",
    "AIFF": "PCM_16",
    "CAF": "PCM_16",
    "AU": "PCM_16",
    "FLAC": "PCM_16",
    "OGG": "VORBIS",
    "MP3": "MPEG_LAYER_III",
}
#: More than one page of Ogg and many frames of MP3.
RATE, FRAMES = 22050, 16000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A file of each container."""
    folder, contents = tmp_path_factory.mktemp("containers"), {}
    values = np.random.default_rng(0).uniform(-0.5, 0.5, FRAMES)
    for container, subtype in CONTAINERS.items():
        path = folder / container
        soundfile.write(path, values, RATE, format=container, subtype=subtype)
        contents[container] = path.read_bytes()
    return contents


def read(content: bytes) -> tuple[np.ndarray, int, int] | str:
    """What is read, or what the problem is; anything else than an AudioError fails the test."""
    try:
        samples, rate, channels = read_mixed("a recording", io.BytesIO(content))
    except AudioError as error:
        assert error.reason
        return error.problem
    assert len(samples) > 0
    assert np.isfinite(samples).all()
    return samples, rate, channels


def length(content: bytes) -> int:
    found = read(content)
    assert not isinstance(found, str), found
    return len(found[0])


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_whole_file_is_read_whole(whole, container):
    assert length(whole[container]) == FRAMES


@QUICK
@given(container=st.sampled_from(list(CONTAINERS)), share=st.floats(0, 0.99))
@example("OGG", 0.99)
def test_what_is_cut_off_is_never_taken_for_whole(whole, container: str, share: float):
    content = whole[container]
    found = read(content[: int(share * len(content))])
    if container == "MP3" and not isinstance(found, str):  # its last frames may be lost without being missed
        assert len(found[0]) >= FRAMES - LOST_FRAMES * LONGEST_FRAME
    else:
        assert found in ("corrupt", "empty", "not readable")


@QUICK
@given(
    container=st.sampled_from(list(CONTAINERS)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20),
    in_head=st.booleans(),
)
def test_flipped_bytes_give_samples_or_a_reason(whole, container: str, changes, in_head: bool):
    content = bytearray(whole[container])
    for share, value in changes:
        content[int(share * (100 if in_head else len(content)))] = value
    read(bytes(content))


@QUICK
@given(
    one=st.sampled_from(list(CONTAINERS)),
    other=st.sampled_from(list(CONTAINERS)),
    cut=st.floats(0, 1),
    start=st.floats(0, 1),
)
def test_files_put_together_give_samples_or_a_reason(whole, one: str, other: str, cut: float, start: float):
    read(whole[one][: int(cut * len(whole[one]))] + whole[other][int(start * len(whole[other])) :])


# Lengths that say nothing


@pytest.mark.parametrize("announced", [0, 1, 0x7F000000, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_wav_whose_length_was_never_filled_in_is_read_to_its_end(announced: int, order: str):
    values = np.random.default_rng(0).integers(-30000, 30000, 5000)
    data = values.astype(f"{order}i2").tobytes()
    form = struct.pack(f"{order}IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    head = (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", announced) + b"WAVEfmt " + form
    samples, _, _ = read(head + b"data" + struct.pack(f"{order}I", announced) + data)
    np.testing.assert_array_equal(samples, values.astype(np.float32) / 32768)


def test_an_empty_wav_with_chunks_behind_its_data_is_empty():
    form = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    for behind in (b"", b"LIST" + struct.pack("<I", 100) + bytes(100), b"TAG" + b"x" * 125, bytes(64)):
        body = b"WAVEfmt " + form + b"data" + bytes(4) + behind
        assert read(b"RIFF" + struct.pack("<I", len(body)) + body) == "empty"


def test_a_flac_of_unknown_length_is_read_to_its_end(whole):
    content = bytearray(whole["FLAC"])
    content[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples
    content[22:26] = bytes(4)
    assert length(bytes(content)) == FRAMES


@pytest.mark.parametrize(("container", "place"), [("AU", 8)])
def test_an_au_of_unknown_length_is_read_to_its_end(whole, container: str, place: int):
    content = bytearray(whole[container])
    content[place : place + 4] = b"\xff" * 4
    assert length(bytes(content)) == FRAMES


def test_a_caf_of_unknown_length_is_read_to_its_end(whole):
    content = bytearray(whole["CAF"])
    place = content.index(b"data") + 4
    content[place : place + 8] = b"\xff" * 8
    assert length(bytes(content)) == FRAMES


# Lengths that are too low


def announcing(content: bytes, container: str, share: float) -> bytes:
    """A file whose header says, wherever it says something, that only a share of its samples is there."""
    content, samples = bytearray(content), int(FRAMES * share)
    data = next(content.index(name) for name in (b"data", b"SSND", b"\0\0") if name in content)
    if container == "FLAC":
        content[21] &= 0xF0
        content[22:26] = struct.pack(">I", samples)
    elif container == "AU":
        content[8:12] = struct.pack(">I", 2 * samples)
    elif container == "RF64":
        content[20:44] = struct.pack("<QQQ", data + 3 * samples, 3 * samples, samples)
    elif container == "W64":
        content[16:24] = struct.pack("<Q", data + 24 + 2 * samples)
        content[data + 16 : data + 24] = struct.pack("<Q", 24 + 2 * samples)
    elif container == "CAF":
        content[data + 4 : data + 12] = struct.pack(">q", 4 + 2 * samples)
    else:
        order, head = (">", 8) if container == "AIFF" else ("<", 0)
        length = head + samples * (4 if container == "WAVEX" else 2)
        content[4:8] = struct.pack(f"{order}I", data + length)
        content[data + 4 : data + 8] = struct.pack(f"{order}I", length)
        if container == "AIFF":
            content[22:26] = struct.pack(">I", samples)
    return bytes(content)


@pytest.mark.parametrize("container", [name for name in CONTAINERS if name not in ("OGG", "MP3")])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.8])
def test_what_announces_too_few_samples_is_read_to_its_end(whole, container: str, share: float):
    samples, _, _ = read(announcing(whole[container], container, share))
    expected, _, _ = read(whole[container])
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("behind", [b"TAG" + b"x" * 5000, bytes(5000), bytes(1) + b"LIST\x70\x17\0\0" + b"x" * 6000])
def test_what_stands_behind_the_samples_and_is_none_is_not_heard(whole, behind: bytes):
    assert length(whole["WAV"] + behind) == FRAMES


# More than 2 GiB, of which a sparse file takes no room


def sparse(path: Path, announced: int, real: int) -> Path:
    """A WAV of 16 bits whose header announces other bytes of samples than are there."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    head = b"RIFF" + struct.pack("<I", min(announced + 36, 0xFFFFFFFF)) + b"WAVEfmt " + form
    with open(path, "wb") as file:
        file.write(head + b"data" + struct.pack("<I", announced))
        start = file.tell()
        for place in (*range(2**20, real, 2**30), real - 2):
            file.seek(start + place)
            file.write(b"\1\0")
    return path


@pytest.mark.parametrize("announced", [0x7E000000, 0x90000000, 0xC0000000, 0xF0000000])
def test_a_large_wav_that_was_cut_off_is_not_taken_for_one_of_unknown_length(tmp_path: Path, announced: int):
    with open(sparse(tmp_path / "a.wav", announced, announced - 2**24), "rb") as file:
        assert look_into(file).damage
    with open(sparse(tmp_path / "a.wav", announced, announced), "rb") as file:
        assert look_into(file) == Container("WAV")


@pytest.mark.parametrize(
    ("announced", "real"),
    [
        (0, 3 * 2**30),
        (0x7FFFF000, 3 * 2**30),
        (0x80000000, 3 * 2**30),
        (0xFFFFFFFF, 3 * 2**30),
        (0, 5 * 2**30),
        (2**30, 5 * 2**30),  # what 32 bits keep of it
        (0xFFFFFFFF, 5 * 2**30),
    ],
)
def test_a_large_wav_without_its_length_is_known_to_its_end(tmp_path: Path, announced: int, real: int):
    path = sparse(tmp_path / "a.wav", announced, real)
    with open(path, "rb") as file:
        container = look_into(file)
        with soundfile.SoundFile(container.mended or os.fspath(path)) as sound:
            assert sound.frames == real // 2
    with opened(path) as sound:
        assert next(sound.blocks)[2**19] == 2**-15


# MP3


def bare(content: bytes) -> bytes:
    """An MP3 without the frame that counts the others."""
    place = content.index(b"Xing") if b"Xing" in content else content.index(b"Info")
    return content[content.index(content[:2], place) :]


def test_an_mp3_without_a_count_of_frames_is_decoded_to_its_end(whole):
    assert FRAMES <= length(bare(whole["MP3"])) <= FRAMES + 4 * LONGEST_FRAME


def test_tags_around_an_mp3_do_not_matter(whole):
    tag = b"ID3\x04\0\0" + bytes([0, 0, 2, 0]) + bytes(256)
    plain = length(bare(whole["MP3"]))
    assert length(tag + bare(whole["MP3"]) + b"TAG" + bytes(125)) == plain
    assert length(tag + whole["MP3"]) == FRAMES


def test_mp3s_one_behind_the_other_are_heard_to_the_end(whole):
    stream = bare(whole["MP3"])
    assert length(stream + stream) == pytest.approx(2 * length(stream), abs=2 * LONGEST_FRAME)
    assert length(whole["MP3"] + stream) > 1.8 * FRAMES


def test_what_lies_amid_an_mp3_and_stops_the_decoder_is_told(whole):
    stream = bare(whole["MP3"])
    middle = stream.index(stream[:2], len(stream) // 2)
    assert read(stream[:middle] + bytes(5000) + stream[middle:]) == "corrupt"


# Ogg


def test_streams_of_ogg_one_behind_the_other_are_not_heard_by_half(whole):
    assert read(whole["OGG"] + whole["OGG"]) == "corrupt"


# A file with another head


@given(
    head=st.binary(max_size=20),
    content=st.binary(max_size=40),
    skip=st.integers(0, 50),
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(-20, 70), st.integers(0, 30)), max_size=8),
)
def test_a_spliced_file_is_one_file(head, content, skip, steps):
    spliced, expected = Spliced(head, io.BytesIO(content), skip), io.BytesIO(head + content[skip:])
    if skip > len(content):
        return
    for whence, offset, count in steps:
        base = (0, expected.tell(), len(expected.getvalue()))[whence]
        spliced.seek(offset, whence)
        expected.seek(max(base + offset, 0))
        assert spliced.tell() == expected.tell()
        buffer = bytearray(count)
        got = spliced.readinto(buffer)
        assert bytes(buffer[:got]) == expected.read(count)


def test_looking_leaves_the_file_at_its_start(whole):
    for content in whole.values():
        file = io.BytesIO(content)
        look_into(file)
        assert file.tell() == 0


# The cases that were met


@pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not at {CASES}")
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("flac_length_unknown.flac", 10),
        ("wav_gsm.wav", 10),
        ("wav_g721.wav", 10),
        ("wav_size_zero.wav", 10),
        ("wav_size_sox_pipe.wav", 10),
        ("wav_size_ffmpeg_pipe.wav", 10),
        ("constant_no_header.mp3", 10),
        ("variable_no_header.mp3", 10),
        *((f"cut_{name}", None) for name in ("WAV.wav", "AIFF.aif", "AU.au", "OGG.ogg", "RF64.wav", "W64.w64")),
    ],
)
def test_the_cases(name: str, seconds: float | None):
    if seconds is None:
        with pytest.raises(AudioError) as caught:
            read_mixed(CASES / name)
        assert caught.value.problem == "corrupt"
    else:
        samples, rate, channels = read_mixed(os.fspath(CASES / name))
        assert len(samples) / rate == pytest.approx(seconds, abs=0.04)
        assert channels == 1
