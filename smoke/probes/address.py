"""The address of a placement, and in which words it refuses."""

import errno
import socket
import time
from dataclasses import dataclass
from typing import Self

from infra.contract import Placement
from smoke.probes.sight import Concluded, failed, untold

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.ENETUNREACH})
"""What keeps a connection from being made on our own side."""
_HIGHEST = 65535
"""The last port there is."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one slot of a service listens."""

    host: str
    port: int

    @classmethod
    def of(cls, placement: Placement) -> Self:
        """The placement's own address.

        Raises:
            Concluded: it has none, or none that can be read.
        """
        if placement.address is None:
            raise untold(f"{placement.service} has no address: it does not listen")
        host, _, port = placement.address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= _HIGHEST:
            raise untold(f"{placement.address!r} is no host:port")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        """``host:port``, as URLs have it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def connected(self, deadline: float) -> socket.socket:
        """A connection.

        Raises:
            Concluded: nobody takes it before ``deadline``, in monotonic seconds.
        """
        try:
            return socket.create_connection((self.host, self.port), timeout=left(deadline))
        except OSError as error:
            raise self.refused(error) from error
        except UnicodeError as error:
            raise untold(f"{self.host!r} is no name of a host: {error}") from error

    def refused(self, error: OSError) -> Concluded:
        """To raise: why nobody could be asked, in words a person can act on."""
        if isinstance(error, ConnectionRefusedError):
            return failed(f"nobody listens on {self}: the process is down, or not up yet")
        if isinstance(error, TimeoutError):
            return failed(f"{self} took no connection in time: the process or the way to it hangs")
        if isinstance(error, socket.gaierror):
            return untold(f"{self.host} has no address: {error.strerror}")
        return (untold if error.errno in _OURS else failed)(f"{self} cannot be reached: {error.strerror or error}")


def left(deadline: float) -> float:
    """Seconds until ``deadline``, in monotonic seconds; never quite 0, which would mean something else to a socket."""
    return max(0.001, deadline - time.monotonic())
