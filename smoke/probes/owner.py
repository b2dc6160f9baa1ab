"""Who listens, by the word of the operating system: it asks nothing of the application, and cannot be told a story."""

import ipaddress
import socket
from dataclasses import dataclass

import psutil

from smoke.probes.sight import instance, untold

_VARIABLE = "CROSSFADE_VERSION"
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, never bound to


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that listens."""

    pid: int
    name: str
    version: str | None
    """What it was placed as; None where it was not placed by us."""
    instance: str | None
    rss_mb: float


def owners(connection: socket.socket) -> tuple[Owner, ...]:
    """The processes that listen where this connection leads to, at least one; several may share a port.

    Raises:
        Concluded: they cannot be seen from here.
    """
    port = 0
    try:
        host, port = connection.getpeername()[:2]
        if not ipaddress.ip_address(host).is_loopback and host != connection.getsockname()[0]:
            raise untold(f"who listens on {host}:{port} cannot be seen: it is another machine")
        pids = _pids(host, port)
        if not pids or None in pids:
            raise untold(f"who listens on port {port} cannot be seen: it is another user's process, or just ended")
        return tuple(_owner(psutil.Process(pid)) for pid in sorted(pid for pid in pids if pid is not None))
    except psutil.Error as error:
        raise untold(f"who listens on port {port} cannot be seen: {error}") from error
    except OSError as error:
        raise untold(f"who listens on port {port} cannot be seen: {error.strerror}") from error


def _pids(host: str, port: int) -> set[int | None]:
    """Of the processes that listen there; None for each that is hidden from us."""
    listening = [
        (each.laddr.ip, each.pid)
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
    ]
    # The kernel prefers the one who listens at this very address to those who listen at any.
    return {pid for ip, pid in listening if ip == host} or {pid for ip, pid in listening if ip in _ANY}


def _owner(process: psutil.Process) -> Owner:
    # Counted from the machine's start: what the system says in seconds since 1970 jumps whenever the clock is set.
    boot = psutil.boot_time()
    with process.oneshot():
        return Owner(
            pid=process.pid,
            name=process.name(),
            version=process.environ().get(_VARIABLE) or None,
            instance=instance(process.pid, round(process.create_time() - boot, 2)),
            rss_mb=round(process.memory_info().rss / 2**20, 1),
        )
