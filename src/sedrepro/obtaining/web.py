"""Asking web servers: who asks, how patiently, and what is tried again."""

import contextlib
import errno
import random
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from requests import exceptions
from urllib3.exceptions import HTTPError, ReadTimeoutError

from sedrepro import __version__
from sedrepro.base.errors import DataError
from sedrepro.base.files import free_space

USER_AGENT = f"sedrepro/{__version__} (reproduction suite for sound event detection; python-requests)"
# Zenodo answers 403 as well as 429 to a client that asks too often.
RETRIED = {403, 408, 425, 429, 500, 502, 503, 504}
LONGEST_WAIT = 120.0
NO_ADDRESS = (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema)


class AddressError(DataError):
    """An address does not deliver the file; another one may."""


class TryAgainError(Exception):
    """The transfer broke; `wait` is what the server asks for, in seconds.

    `no_network`: no name can be found or no network be reached. In the midst of a transfer that may pass; before it has
    begun, waiting helps nobody.
    """

    def __init__(self, reason: str, wait: float | None = None, no_network: bool = False) -> None:
        super().__init__(reason)
        self.wait = wait
        self.no_network = no_network


def new_session() -> requests.Session:
    """A session that says who asks."""
    session = requests.Session()
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    return session


@dataclass
class Web:
    """How to transfer: the session, patience, and what tests replace."""

    session: requests.Session = field(default_factory=new_session)
    attempts: int = 8
    """Attempts in a row that get no further before an address is given up."""
    timeout: tuple[float, float] = (20.0, 60.0)
    """Seconds without a connection, and without a byte, before an attempt is given up."""
    sleep: Callable[[float], None] = time.sleep
    free_space: Callable[[Path], int] = free_space
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)


def back_off(attempt: int) -> float:
    """1, 2, 4 ... 60 seconds, with up to a quarter more so that several clients part."""
    return min(2.0 ** (attempt - 1), 60.0) * random.uniform(1.0, 1.25)


@contextlib.contextmanager
def transport_errors() -> Iterator[None]:
    """Broken transfers are tried again; an address that is none is not."""
    try:
        yield
    except NO_ADDRESS as error:
        raise AddressError(f"is no address ({error})") from None
    except (exceptions.Timeout, ReadTimeoutError):
        raise TryAgainError("no answer in time") from None
    except (requests.RequestException, HTTPError) as error:
        cause = _innermost(error)
        reason = " ".join(str(cause).split())[:120] or type(cause).__name__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise AddressError(f"no safe connection ({reason})") from None
        raise TryAgainError(f"the connection failed ({reason})", no_network=_is_no_network(cause)) from None


def _is_no_network(cause: BaseException) -> bool:
    unreachable = isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.ENETDOWN)
    return isinstance(cause, socket.gaierror) or unreachable


def _innermost(error: BaseException) -> BaseException:
    while (cause := _cause(error)) is not None:
        error = cause
    return error


def _cause(error: BaseException) -> BaseException | None:
    first = error.args[0] if error.args else None
    return first if isinstance(first, BaseException) else error.__context__


def check_status(response: requests.Response) -> None:
    """Refuse what is neither the file nor a part of it.

    Raises:
        TryAgainError: the server is busy or asked too often.
        AddressError: anything else.
    """
    status = response.status_code
    if status in RETRIED:
        raise TryAgainError(f"the server answers {status} {response.reason}", _asked_wait(response))
    if status not in (200, 206):
        raise AddressError(f"the server answers {status} {response.reason}")


def _asked_wait(response: requests.Response) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT) if asked.isdecimal() else None
