"""Who listens, by the word of the operating system, or of the engine whose container has the address.

Neither asks anything of the application, and neither can be told a story.
"""

import ipaddress
import socket
from dataclasses import dataclass

import psutil

from infra.contract import Placement
from smoke.containers import VERSION_LABEL, Down, Reference, Unseen
from smoke.probes.sight import failed, instance, untold

_VARIABLE = "CROSSFADE_VERSION"
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, never bound to


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that listens, or the container that it is in."""

    name: str
    """What a person calls it: ``pid 4242 (python)`` or ``container crossfade-staging-api--blue``."""
    version: str | None
    """What it was placed as; None where it was not placed by us."""
    instance: str | None
    rss_mb: float


def owners(connection: socket.socket, placement: Placement) -> tuple[Owner, ...]:
    """Who listens where this connection to the placement leads to, at least one; several processes may share a port.

    Raises:
        Concluded: they cannot be seen from here; or the placement is in a container, and it is not that which listens.
    """
    container = Reference.of(placement)
    return _processes(connection) if container is None else (_contained(connection, container),)


def _contained(connection: socket.socket, reference: Reference) -> Owner:
    try:
        host = connection.getpeername()[0]
        container = reference.look()
        rss = container.rss()
    except Down as error:
        raise failed(str(error)) from error
    except Unseen as error:
        raise untold(str(error)) from error
    except OSError as error:
        raise untold(f"who listens cannot be seen: {error.strerror}") from error
    if host not in container.addresses:
        has = ", ".join(sorted(container.addresses)) or "none"
        raise failed(f"{host} is no address of container {container.name}, it has {has}: another answers", impostor=True)
    if container.paused:  # the kernel takes its connections all the same
        raise failed(f"container {container.name} is paused", container.version)
    name = f"container {container.name}"
    if container.version is None:
        raise failed(f"{name} was not placed here: it has no label {VERSION_LABEL}")
    return Owner(name, container.version, container.instance, round(rss / 2**20, 1))


def _processes(connection: socket.socket) -> tuple[Owner, ...]:
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
            name=f"pid {process.pid} ({process.name()})",
            version=process.environ().get(_VARIABLE) or None,
            instance=instance(process.pid, round(process.create_time() - boot, 2)),
            rss_mb=round(process.memory_info().rss / 2**20, 1),
        )
