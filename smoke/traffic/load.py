"""What is to be sent, where to, and for how long."""

import ipaddress
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, urlsplit

from smoke.errors import UsageError

_PLAIN = re.compile(r"[!-~]+")
"""Characters that may stand in the first line of a request as they are."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and how many: one every ``1 / rate`` seconds."""

    url: str
    """Of the scheme ``http``."""
    rate: float
    """Requests a second."""

    def __post_init__(self) -> None:
        """Refuse what cannot be sent to.

        Raises:
            UsageError: the URL is no plain http URL, or the rate is no positive number.
        """
        parts = _split(self.url)
        if parts is None or parts.scheme != "http" or not parts.hostname or "@" in parts.netloc or parts.port == 0:
            raise UsageError(f"traffic cannot go to {self.url!r}", hint="a URL such as http://127.0.0.1:8080/prices")
        if not 0 < self.rate < math.inf:
            raise UsageError(f"traffic to {self.url} cannot have the rate {self.rate}", hint="requests a second, above 0")

    @property
    def host(self) -> str:
        """Name or number of the host, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port; 80 where the URL has none."""
        return urlsplit(self.url).port or 80

    @property
    def request(self) -> bytes:
        """The bytes of one request."""
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\nuser-agent: crossfade-traffic\r\naccept: */*\r\n\r\n".encode()

    @property
    def loopback(self) -> bool:
        """The host is this machine itself, by its name or number."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _split(url: str) -> SplitResult | None:
    """The parts of a URL, or None where it is none."""
    if not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
        (parts.hostname or "").encode("idna")  # what a look-up does first; raises where it is no name
    except ValueError:
        return None
    return parts


@dataclass(frozen=True, slots=True)
class Load:
    """Everything that one run of the generator is told."""

    targets: Mapping[str, Target]
    """By the name that the summary has them under."""
    limit: float
    """Seconds after which no more requests are sent."""
    record: Path | None = None
    """File that gets one line a request."""
    timeout: float = 10.0
    """Seconds that a request has for its whole answer, from when it was started."""
    outstanding: int = 2000
    """Requests that may wait for their answer at once, for each target."""

    def __post_init__(self) -> None:
        """Refuse a load that never ends.

        Raises:
            UsageError: a limit is no positive number.
        """
        for name in ("limit", "timeout"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"traffic cannot have the {name} {getattr(self, name)}", hint="seconds, above 0")

    def to_line(self) -> bytes:
        """One line of JSON; ``from_line`` reads it back to an equal value."""
        document = {
            "targets": {name: [each.url, each.rate] for name, each in self.targets.items()},
            "limit": self.limit,
            "record": str(self.record) if self.record else None,
            "timeout": self.timeout,
            "outstanding": self.outstanding,
        }
        return json.dumps(document).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Read what ``to_line`` wrote.

        Raises:
            ValueError: the line is not whole.
        """
        document = json.loads(line)
        return cls(
            targets={name: Target(url, rate) for name, (url, rate) in document["targets"].items()},
            limit=document["limit"],
            record=Path(document["record"]) if document["record"] else None,
            timeout=document["timeout"],
            outstanding=document["outstanding"],
        )
