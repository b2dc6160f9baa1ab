"""Who listens, by the word of the operating system: it asks nothing of the application, and cannot be told a story."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smoke.probes.sight import instance, untold

if TYPE_CHECKING:
    import psutil

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


def owners(host: str, port: int) -> tuple[Owner, ...]:
    """The processes that listen at this numeric address of this machine, at least one; several may share a port.

    Raises:
        Concluded: they cannot be seen from here.
    """
    import psutil  # noqa: PLC0415 - 60 ms that only those pay who ask

    try:
        listening = [
            each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN and each.laddr.port == port
        ]
        # The kernel prefers the one who listens at this very address to those who listen at any.
        nearest = [each for each in listening if each.laddr.ip == host] or [each for each in listening if each.laddr.ip in _ANY]
        pids = {each.pid for each in nearest}
        if not pids or None in pids:
            raise untold(f"who listens on port {port} cannot be seen: not on this machine, or another user's process")
        return tuple(_owner(psutil.Process(pid)) for pid in sorted(pid for pid in pids if pid is not None))
    except psutil.Error as error:
        raise untold(f"who listens on port {port} cannot be seen: {error}") from error
    except OSError as error:
        raise untold(f"who listens on port {port} cannot be seen: {error.strerror}") from error


def _owner(process: "psutil.Process") -> Owner:
    with process.oneshot():
        return Owner(
            pid=process.pid,
            name=process.name(),
            version=process.environ().get(_VARIABLE) or None,
            instance=instance(process.pid, process.create_time()),
            rss_mb=round(process.memory_info().rss / 2**20, 1),
        )
