"""A web server on this machine that misbehaves as told, and remembers what it was asked."""

import gzip
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Turn:
    """What the server does with one request for a file; the defaults are those of a good server."""

    status: int | None = None
    """Answer this and a short text instead of the file."""
    page: bytes | None = None
    """Send this instead of the file, as if it were the file."""
    new: bytes | None = None
    """Before this request the file is replaced by this."""
    headers: dict[str, str | None] = field(default_factory=dict)
    """Headers to add or, with None, to leave out."""
    cut: int | None = None
    """Close the connection after so many bytes of the body."""
    reset: bool = False
    """Close it with RST, as a router that has lost its mind does."""
    stall: bool = False
    """Do not close it, fall silent instead."""
    ranges: bool = True
    """Know `Range`; otherwise everything is sent again."""
    if_range: bool = True
    """Know `If-Range`; otherwise the range is sent although the file has changed."""
    shift: int = 0
    """Send a range that begins so many bytes later than asked."""
    flip: int | None = None
    """Position in the file of a byte that arrives wrong."""
    excess: int = 0
    """Announce so many bytes more than the body has."""
    framing: str = "length"
    """`length`, `chunked`, or `close`: the end of the connection is the end of the body, as in HTTP/1.0."""
    compressed: bool = False
    """Compress the body although nobody asked for it."""
    chunk: int = 2**16
    pause: float = 0.0
    """Seconds before each chunk."""


GOOD = Turn()


def broken(*positions: int, **how: object) -> list[Turn]:
    """Turns that each break after so many bytes."""
    return [Turn(cut=position, **how) for position in positions]


@dataclass
class Served:
    """A file of the server."""

    content: bytes
    turns: list[Turn]
    always: Turn = GOOD
    etag: str | None = '"version 1"'
    modified: str | None = "Wed, 21 Oct 2015 07:28:01 GMT"
    version: int = 1

    def replace(self, content: bytes) -> None:
        """Another version takes its place; what it is marked with changes."""
        self.content, before, self.version = content, str(self.version), self.version + 1
        self.etag = self.etag and self.etag.replace(before, str(self.version))
        self.modified = self.modified and self.modified.replace(f"0{before} GMT", f"0{self.version} GMT")


@dataclass
class Request:
    """One request that came, and how much was sent."""

    path: str
    headers: dict[str, str]
    sent: int = 0

    @property
    def start(self) -> int:
        """First byte asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(asked[1]) if asked else 0


class WebServer(ThreadingHTTPServer):
    """Serves what `serve` is given. Use as a context manager."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.files: dict[str, Served] = {}
        self.requests: list[Request] = []
        self.active = self.most_active = 0
        self.guard = threading.Lock()
        self.closing = threading.Event()

    def __enter__(self) -> "WebServer":
        threading.Thread(target=self.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is nothing to talk about."""

    def serve(self, path: str, content: bytes, turns: Sequence[Turn] = (), **more: object) -> str:
        """Put a file there; requests take `turns` in order, then `always`. Returns its address."""
        self.files[path] = Served(content, list(turns), **more)
        return self.url + path

    def serve_record(self, record: int, name: str, content: bytes, api: object, turns: Sequence[Turn] = ()) -> str:
        """Put a file of a Zenodo-like record there, and what the record's API answers for its `files`."""
        text = api if isinstance(api, bytes) else json.dumps({"id": record, "files": api}).encode()
        self.serve(f"/api/records/{record}", text, turns)
        return self.serve(f"/records/{record}/files/{name}", content)

    def asked(self, path: str) -> list[Request]:
        """The requests for a path so far."""
        return [request for request in self.requests if request.path == path]

    def starts(self, path: str) -> list[int]:
        """The first bytes that were asked for, by request."""
        return [request.start for request in self.asked(path)]

    def take(self, path: str, headers: dict[str, str]) -> tuple[Request, Served | None, Turn]:
        """Note a request; the file, and what to do with it."""
        with self.guard:
            request = Request(path, headers)
            self.requests.append(request)
            file = self.files.get(path)
            if file is None:
                return request, None, GOOD
            turn = file.turns.pop(0) if file.turns else file.always
            if turn.new is not None:
                file.replace(turn.new)
            return request, replace(file), turn


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        self.active = True
        with self.server.guard:
            self.server.active += 1
            self.server.most_active = max(self.server.active, self.server.most_active)
        try:
            self._answer(*self.server.take(self.path, dict(self.headers)))
        finally:
            self._leave()

    def _leave(self) -> None:
        """Count as active no longer; called before the last chunk, since the client may be gone right after it."""
        with self.server.guard:
            self.server.active -= self.active
            self.active = False

    def log_message(self, *_: object) -> None:
        """Tests read `requests` instead."""

    def _answer(self, request: Request, file: Served | None, turn: Turn) -> None:
        if file is None or turn.status is not None:
            self._send(request, turn, turn.status or 404, b"no file", {"Content-Type": "text/plain"})
            return
        content = file.content if turn.page is None else turn.page
        if turn.flip is not None:
            content = content[: turn.flip] + bytes([content[turn.flip] ^ 1]) + content[turn.flip + 1 :]
        headers = {"Content-Type": "application/octet-stream", "ETag": file.etag, "Last-Modified": file.modified}
        start = request.start if turn.ranges and self._unchanged(request, file, turn) else 0
        if start and start >= len(content):
            self._send(request, turn, 416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        if start:
            start += turn.shift
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(request, turn, 206 if start else 200, content[start:], headers)

    @staticmethod
    def _unchanged(request: Request, file: Served, turn: Turn) -> bool:
        """Whether `If-Range` allows a range; a weak ETag never does (RFC 9110, section 13.1.5)."""
        asked = request.headers.get("If-Range")
        strong = [mark for mark in (file.etag, file.modified) if mark and not mark.startswith("W/")]
        return asked is None or not turn.if_range or asked in strong

    def _send(self, request: Request, turn: Turn, status: int, body: bytes, headers: dict[str, str | None]) -> None:
        if turn.compressed:
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        self.send_response(status)
        framing = {
            "length": {"Content-Length": str(len(body) + turn.excess)},
            "chunked": {"Transfer-Encoding": "chunked"},
        }
        for name, value in (headers | framing.get(turn.framing, {"Connection": "close"}) | turn.headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        for chunk in self._chunks(body if turn.cut is None else body[: turn.cut], turn):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if turn.framing == "chunked" else chunk)
            request.sent += len(chunk)
        self._end(turn)

    def _chunks(self, body: bytes, turn: Turn) -> Iterator[bytes]:
        for start in range(0, len(body), turn.chunk):
            time.sleep(turn.pause)
            if start + turn.chunk >= len(body):
                self._leave()
            yield body[start : start + turn.chunk]

    def _end(self, turn: Turn) -> None:
        if turn.stall:
            self.server.closing.wait(20)
        elif turn.framing == "chunked" and turn.cut is None:
            self.wfile.write(b"0\r\n\r\n")
        if turn.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        if turn.reset or turn.stall or turn.excess or turn.cut is not None or turn.framing == "close":
            self.close_connection = True
