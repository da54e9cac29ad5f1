"""Audio containers, where libsndfile's view of them is not enough: their announced ends, headers that were never
finished, formats that it does not read.

A recorder that is killed or writes to a pipe cannot go back to its header. What stands there then (0, the length of the
moment before, 0xFFFFFFFF of FFmpeg, 0x7FFFF000 and 0x7F000000 of SoX, 0x80000000 of arecord) is no length, nor is what
32 bits keep of a larger one; the samples go on to the end of the file.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

#: Bytes that stand for "unknown" where the file does not have as many, and how far below them: whole blocks of samples.
UNKNOWN = (0x7F000000, 0x7FFFF000, 0x80000000, 0xFFFFFFFF)
BELOW_UNKNOWN = 2**12
#: Fewer bytes than this behind the announced samples are rubbish, and no samples.
LEAST_SAMPLES = 2**12
CUT = "shorter than its header says"
UNENDED = "cut off: its last page is missing"
#: More chunks than this are no recording, and would take long to walk through.
MOST_CHUNKS = 10_000
#: Bytes without a frame behind which an MPEG stream is over; tags at the end may be about as long.
LONGEST_GAP = 2**16
#: A decoder leaves out frames whose bits lie in a frame before the cut, at most two.
LOST_FRAMES = 2
#: Samples of the longest frame of MPEG audio.
LONGEST_FRAME = 1152
#: Tags that stand behind the data and are no chunks.
TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")


@dataclass(frozen=True)
class Container:
    """What a file says of itself, looked at without decoding.

    kind: "" where the first bytes are of no container that is known here; damage: why it is not whole, "" if nothing
    shows that; lengths: whether the number of samples that libsndfile announces is one; mended: the file with a header
    that is right, if its own is not; samples: how many there are at least, counted frame by frame; 0 if not counted.
    """

    kind: str = ""
    damage: str = ""
    lengths: bool = True
    mended: BinaryIO | None = None
    samples: int = 0


def look_into(file: BinaryIO) -> Container:
    """What the container says; `file` can seek, and stands at its start afterwards."""
    size = file.seek(0, io.SEEK_END)
    start = _read(file, 0, 16)
    if start[:4] in CHUNKED and (start[:4] != b"riff" or start == W64) and not _is_other_form(_read(file, 0, 12)):
        found = _chunked(file, CHUNKED[start[:4]], size)
    elif start[:4] in SUN:
        found = _sun(file, SUN[start[:4]], size)
    elif start[:4] == b"OggS":
        found = Container("Ogg", damage=_ogg_damage(file, size))
    elif start[:4] == b"fLaC":
        found = _flac(file)
    else:
        found = _mpeg(file, size)
    file.seek(0)
    return found


# Chunks: RIFF and its kin


@dataclass(frozen=True)
class Chunks:
    """How a container of chunks is laid out."""

    kind: str
    first: int
    """Where the first chunk begins."""
    head: struct.Struct
    """Name and length."""
    data: bytes
    even: int = 2
    """Chunks begin at multiples of this."""
    counts_head: bool = False


def _guid(name: bytes) -> bytes:
    return name + bytes.fromhex("f3acd3118cd100c04f8edb8a")


W64 = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
CHUNKED = {
    b"RIFF": Chunks("WAV", 12, struct.Struct("<4sI"), b"data"),
    b"RIFX": Chunks("WAV", 12, struct.Struct(">4sI"), b"data"),
    b"RF64": Chunks("RF64", 12, struct.Struct("<4sI"), b"data"),
    b"BW64": Chunks("RF64", 12, struct.Struct("<4sI"), b"data"),
    b"FORM": Chunks("AIFF", 12, struct.Struct(">4sI"), b"SSND"),
    b"riff": Chunks("W64", 40, struct.Struct("<16sQ"), _guid(b"data"), even=8, counts_head=True),
    b"caff": Chunks("CAF", 8, struct.Struct(">4sq"), b"data", even=1),
}


def _is_other_form(start: bytes) -> bool:
    return start[:4] == b"FORM" and start[8:] not in (b"AIFF", b"AIFC")


def _chunked(file: BinaryIO, layout: Chunks, size: int) -> Container:
    data = next((chunk[1:] for chunk in _chunks(file, layout, size) if chunk[0] == layout.data), None)
    if data is None:
        return Container(layout.kind, damage=CUT)
    start, length = data
    if layout.kind == "RF64" and length == 0xFFFFFFFF:
        length = struct.unpack("<Q", _read(file, 28, 8).ljust(8, b"\0"))[0]
    ends_later = length < 0 or start + length > size
    if ends_later and not _says_nothing(length):
        return Container(layout.kind, damage=CUT)
    # libsndfile itself reads lengths of the others that say nothing, where it does not take them for lengths
    if _goes_on(file, layout, start + length, size) if not ends_later else layout.kind == "CAF":
        return Container(layout.kind, mended=_with_lengths(file, layout, start, size))
    return Container(layout.kind)


def _says_nothing(length: int) -> bool:
    return length < 0 or any(value - BELOW_UNKNOWN < length <= value for value in UNKNOWN)


def _chunks(file: BinaryIO, layout: Chunks, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of the content of each chunk."""
    place = layout.first
    for _ in range(MOST_CHUNKS):
        head = _read(file, place, layout.head.size)
        if len(head) < layout.head.size:
            return
        name, length = layout.head.unpack(head)
        length -= layout.head.size if layout.counts_head else 0
        start = place + layout.head.size
        yield name, start, length
        if length < 0 or start + length > size:
            return
        place = start + length + -length % layout.even


def _goes_on(file: BinaryIO, layout: Chunks, end: int, size: int) -> bool:
    """Whether samples go on behind their announced end: there is a good deal, and neither chunks nor tags."""
    if size - end < LEAST_SAMPLES:
        return False
    behind = _read(file, end, layout.head.size + layout.even)
    places = range(layout.even) if layout.even == 2 else (-end % layout.even,)  # some do not begin at even places
    is_chunk = any(_is_chunk(behind[at:], layout, size - end - at) for at in places)
    return not (is_chunk or behind.lstrip(b"\0").startswith(TAGS)) and _any_set(file, end)


def _any_set(file: BinaryIO, place: int) -> bool:
    """Whether there is more than zeros, with which files are filled up, from a place on."""
    file.seek(place)
    return any(block != bytes(len(block)) for block in iter(lambda: file.read(2**20), b""))


def _is_chunk(behind: bytes, layout: Chunks, rest: int) -> bool:
    name, length = layout.head.unpack(behind[: layout.head.size])
    length += 0 if layout.counts_head else layout.head.size
    return name[:4].isascii() and name[:4].decode("ascii").isprintable() and layout.head.size <= length <= rest


def _with_lengths(file: BinaryIO, layout: Chunks, start: int, size: int) -> BinaryIO:
    """The file with a header that says that the samples go on to its end."""
    head = _read(file, 0, start - layout.head.size)
    there, added = size - start, layout.head.size if layout.counts_head else 0
    if head[:4] == b"RIFF" and size > 0xFFFFFFFF:
        lengths = struct.pack("<IQQQI", 28, size + 28, there, 0, 0)
        head = b"RF64" + b"\xff" * 4 + b"WAVEds64" + lengths + head[12:]
    elif layout.kind == "RF64":
        head = head[:28] + struct.pack("<Q", there) + head[36:]
    elif layout.kind in ("WAV", "AIFF"):
        head = head[:4] + struct.pack(f"{layout.head.format[0]}I", min(size - 8, 0xFFFFFFFF)) + head[8:]
    elif layout.kind == "W64":
        head = head[:16] + struct.pack("<Q", size) + head[24:]
    longest = 2**63 - 1 if layout.head.size > 8 else 0xFFFFFFFF
    length = 0xFFFFFFFF if layout.kind == "RF64" else min(there + added, longest)
    return spliced(head + layout.head.pack(layout.data, length), file, start)


SUN = {b".snd": ">", b"dns.": "<"}


def _sun(file: BinaryIO, order: str, size: int) -> Container:
    """AU: where the samples begin, and their bytes."""
    head = _read(file, 0, 12)
    start, length = struct.unpack(f"{order}II", head[4:]) if len(head) == 12 else (size, 1)
    if start + length > size:
        return Container("AU", damage="" if _says_nothing(length) else CUT)
    if size - start - length >= LEAST_SAMPLES and _any_set(file, start + length):
        return Container("AU", mended=spliced(head[:8] + b"\xff" * 4, file, 12))
    return Container("AU")


# FLAC: what its first block says

STREAMINFO = 4 + 4
"""Where the block begins: behind the mark and the block's own head."""


def _flac(file: BinaryIO) -> Container:
    """FLAC. libsndfile stops where the header says that the samples end, so it is told that this is unknown."""
    head = bytearray(_read(file, 0, STREAMINFO + 34))
    if len(head) < STREAMINFO + 34 or head[4] & 0x7F:  # the first block must be this one
        return Container("FLAC")
    count = int.from_bytes(head[STREAMINFO + 13 : STREAMINFO + 18], "big") & 0xFFFFFFFFF  # 36 bits
    head[STREAMINFO + 13] &= 0xF0
    head[STREAMINFO + 14 : STREAMINFO + 18] = bytes(4)
    return Container("FLAC", mended=spliced(bytes(head), file, len(head)), samples=count)


# Ogg: pages


def _ogg_damage(file: BinaryIO, size: int) -> str:
    """Why an Ogg stream is not one that is whole and alone."""
    place, flags, begun = 0, 0, False
    while place < size:
        head = _read(file, place, 27)
        if len(head) < 27 or head[:4] != b"OggS":
            return "" if flags & 4 else UNENDED
        lacing = _read(file, place + 27, head[26])
        end = place + 27 + head[26] + sum(lacing)
        if len(lacing) < head[26] or end > size:
            return UNENDED
        flags = head[5]
        if flags & 2 and begun:
            return "several streams one after the other, of which only the first can be read"
        begun, place = begun or not flags & 2, end
    return "" if flags & 4 else UNENDED


# MPEG audio: frames

BITRATES = {  # kbit/s by (version 1, layer) and index; ISO/IEC 11172-3 and 13818-3, table of bitrate_index
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits


@dataclass(frozen=True)
class Frame:
    """The header of a frame of MPEG layer III."""

    head: bytes
    length: int
    samples: int
    side: int
    """Bytes of side information, behind which a count of frames may stand."""

    @property
    def stream(self) -> tuple:
        """What is equal in all frames of a stream: version, layer, sample rate."""
        return self.head[1] & 0xFE, self.head[2] & 0x0C


def _frame(head: bytes) -> Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # sync word, layer III
        return None
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return None
    first, mono = version == 3, head[3] >> 6 == 3
    samples = 1152 if first else 576
    bits = BITRATES[first, 3][bitrate - 1] * 1000
    length = samples // 8 * bits // RATES[version][rate] + (head[2] >> 1 & 1)
    return Frame(bytes(head[:4]), length, samples, (17 if mono else 32) if first else (9 if mono else 17))


def _mpeg(file: BinaryIO, size: int) -> Container:
    """MP3. Without a count of frames libsndfile guesses the length from the first bitrate: the count is put there.

    So it is where the count is too low, as where recordings were put one behind the other.
    """
    place = _behind_tags(file)
    found = _next_frame(file, place, size)
    if found is None or found[0] > place == 0:  # layers I and II, whose length is a guess too, or no MPEG audio at all
        return Container("MP3" if place else "", lengths=False)
    place, first = found
    announced = _announced_frames(_read(file, place, first.length), first)
    if announced is not None:
        place += first.length
    count = sum(1 for _ in _frames(file, place, size, first))
    if announced is not None and announced + LOST_FRAMES >= count:
        return Container("MP3")
    return Container("MP3", mended=spliced(_info_frame(first, count), file, place), samples=count * first.samples)


def _announced_frames(content: bytes, first: Frame) -> int | None:
    """The number of frames that the first one tells (as Xing's encoder or Fraunhofer's does), None if it does not."""
    info = content[4 + first.side :]
    if info[:4] in (b"Xing", b"Info") and len(info) >= 12 and info[7] & 1:
        return int.from_bytes(info[8:12], "big")
    if content[36:40] == b"VBRI" and len(content) >= 54:
        return int.from_bytes(content[50:54], "big")
    return None


def _behind_tags(file: BinaryIO) -> int:
    """Where the ID3v2 tags end."""
    place = 0
    while (head := _read(file, place, 10))[:3] == b"ID3" and len(head) == 10:
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        place += 10 + length + (10 if head[5] & 0x10 else 0)
    return place


def _next_frame(file: BinaryIO, place: int, size: int, like: Frame | None = None) -> tuple[int, Frame] | None:
    """The next frame that another one follows, or the end of the file."""
    near = _read(file, place, LONGEST_GAP + 4)
    at = near.find(b"\xff")
    while 0 <= at < LONGEST_GAP:
        frame = _frame(near[at : at + 4])
        if frame and (like is None or frame.stream == like.stream):
            end = place + at + frame.length
            following = _frame(_read(file, end, 4))
            if end == size or (following and following.stream == frame.stream):
                return place + at, frame
        at = near.find(b"\xff", at + 1)
    return None


def _frames(file: BinaryIO, place: int, size: int, first: Frame) -> Iterator[Frame]:
    """The whole frames of a stream; what is none is passed over."""
    while place < size:
        frame = _frame(_read(file, place, 4))
        if frame is None or frame.stream != first.stream:
            found = _next_frame(file, place, size, first)
            if found is None:
                return
            place, frame = found
        place += frame.length
        if place <= size:
            yield frame


def _info_frame(first: Frame, count: int) -> bytes:
    """A frame of silence that says how many frames follow, as encoders write it (Xing's header)."""
    head = bytes([first.head[0], first.head[1] | 1, first.head[2] & 0xFD, first.head[3]])  # no checksum, no padding
    told = head + bytes(first.side) + b"Xing" + struct.pack(">II", 1, count)
    frame = _frame(head)
    return told.ljust(frame.length if frame else 0, b"\0")


# Formats that are not read here

FOREIGN = (
    (4, b"ftyp", "MPEG-4 audio, as in m4a and mp4"),
    (0, b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "Windows Media"),
    (0, b"#!AMR", "AMR"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"\x0bw", "AC-3"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)


def foreign_format(file: BinaryIO) -> str:
    """Name of a format that libsndfile does not read, by its first bytes; empty if it is none that is known."""
    start = _read(file, 0, 512)
    for place, mark, name in FOREIGN:
        if start[place:].startswith(mark):
            return name
    if len(start) > 1 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0:
        return "AAC"
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return _foreign_codec(file)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return ""


#: Codecs of WAV files that libsndfile reads: PCM, Microsoft's ADPCM, floats, A-law, mu-law, IMA's ADPCM, GSM, NMS,
#: G.721, MPEG layer III, and what an extension names; 0 is none, so the file is damaged.
CODECS = {0x0, 0x1, 0x2, 0x3, 0x6, 0x7, 0x11, 0x31, 0x38, 0x40, 0x45, 0x55, 0xFFFE}


def _foreign_codec(file: BinaryIO) -> str:
    size = file.seek(0, io.SEEK_END)
    for name, start, _ in _chunks(file, CHUNKED[b"RIFF"], size):
        codec = _read(file, start, 2)
        if name == b"fmt ":
            number = int.from_bytes(codec, "little")
            return f"a WAV file of codec 0x{number:04x}" if len(codec) == 2 and number not in CODECS else ""
    return ""


def spliced(head: bytes, file: BinaryIO, skip: int) -> BinaryIO:
    """A file that begins with `head` and goes on with another from `skip` on."""
    return cast(BinaryIO, Spliced(head, file, skip))  # a raw file is one, though its class does not say so


class Spliced(io.RawIOBase):
    """Some bytes, and behind them a file from one place on."""

    def __init__(self, head: bytes, file: BinaryIO, skip: int) -> None:
        super().__init__()
        self._head, self._file, self._skip, self._place = head, file, skip, 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be sought in."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        if whence == io.SEEK_END:
            offset += len(self._head) + self._file.seek(0, io.SEEK_END) - self._skip
        elif whence == io.SEEK_CUR:
            offset += self._place
        self._place = max(offset, 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there are bytes."""
        part = self._head[self._place : self._place + len(buffer)]
        rest = len(buffer) - len(part)
        if rest:
            part += _read(self._file, self._skip + max(self._place - len(self._head), 0), rest)
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)


def _read(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)
