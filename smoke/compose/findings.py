"""What a person must know before both sides run: what they would share, and what cannot be told from the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from smoke.compose.reading import ComposeFile


class Kind(Enum):
    """What a finding is about."""

    SHARED = "shared"
    """Both sides would use one thing, and may harm each other."""
    CLASH = "clash"
    """The new side cannot start beside the old one."""
    STAYS = "stays"
    """It may well go on with the old runtime."""
    INCONCLUSIVE = "inconclusive"
    """Nothing says when it is healthy."""
    NOTE = "note"
    """Good to know."""

    @property
    def bad(self) -> bool:
        """Whether a person must decide something before the new side is started."""
        return self in {Kind.SHARED, Kind.CLASH, Kind.STAYS}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    kind: Kind
    where: str
    """``file:line key``."""
    what: str


def findings(file: ComposeFile) -> Iterator[Finding]:
    """What is true of a second copy of these services, whatever they are."""
    for key in ("include", "extends"):
        if key in file.values or any(key in service for service in file.services.values()):
            what = f"what comes by `{key}` from other files is not seen here: no port of it is moved, no name changed"
            yield Finding(Kind.NOTE, file.name, what)
    for name, service in file.services.items():
        yield from _health(file, name, service)
        yield from _mounts(file, name, service)
        if service.get("network_mode") == "host":
            what = "it has the host's network: both sides want the same ports"
            yield Finding(Kind.CLASH, file.where("services", name, "network_mode"), what)
    yield from _volumes(file)
    yield from _networks(file)


def healthy(service: Mapping[str, Any]) -> bool:
    """Whether the file says when the service is."""
    check = service.get("healthcheck") or {}
    test = check.get("test")
    return bool(test) and test not in ("NONE", ["NONE"]) and check.get("disable") is not True


def fixed(name: str, resource: Mapping[str, Any]) -> str:
    """What a volume or a network is called where no project's name stands before it; empty where one does."""
    external = resource.get("external")
    inside = external.get("name") if isinstance(external, Mapping) else None
    return str(inside or resource.get("name") or (name if external else ""))


def _health(file: ComposeFile, name: str, service: Mapping[str, Any]) -> Iterator[Finding]:
    if not healthy(service):
        what = "no health check: where its image has none either, `--wait` takes running for enough, and that is not healthy"
        yield Finding(Kind.INCONCLUSIVE, file.where("services", name, "healthcheck"), what)


def _mounts(file: ComposeFile, name: str, service: Mapping[str, Any]) -> Iterator[Finding]:
    volumes = file.resources("volumes")
    for index, entry in enumerate(service.get("volumes") or ()):
        source, written = _source(entry)
        where = file.where("services", name, "volumes", index)
        if not written or not source:
            continue
        if source not in volumes:
            if source[0] in "./~$\\" or ":" in source:
                yield Finding(Kind.SHARED, where, f"both sides may write to {source} of this machine")
        elif called := fixed(source, volumes[source]):
            what = f"both sides may write to the volume {called}: no database survives two servers on its files"
            yield Finding(Kind.SHARED, where, what)


def _source(entry: Any) -> tuple[str, bool]:  # noqa: ANN401 - whatever was written
    """Volume or path of a mount, and whether it may be written to; empty for one that is the container's own."""
    if isinstance(entry, Mapping):
        return str(entry.get("source") or ""), entry.get("read_only") is not True
    source, colon, rest = str(entry).partition(":")
    if source.startswith("${") and "}" in rest:  # the colon was within ${DATA:-./data}
        inside, _, rest = rest.partition("}")
        source, (_, colon, rest) = f"{source}:{inside}}}", rest.partition(":")
    options = rest.rpartition(":")[2].split(",") if colon else []
    return (source if colon else ""), "ro" not in options


def _volumes(file: ComposeFile) -> Iterator[Finding]:
    for name, volume in file.resources("volumes").items():
        if not fixed(name, volume):
            what = "the new side has a volume of its own by this name, empty at first"
            yield Finding(Kind.NOTE, file.where("volumes", name), what)


def _networks(file: ComposeFile) -> Iterator[Finding]:
    for name, network in file.resources("networks").items():
        where = file.where("networks", name)
        if network.get("external"):
            what = "both sides are on this network: a service's name may mean the old one or the new one there"
            yield Finding(Kind.SHARED, where, what)
        ipam = network.get("ipam") or {}
        if any("subnet" in each for each in (ipam.get("config") if isinstance(ipam, Mapping) else None) or ()):
            yield Finding(Kind.CLASH, where, "its subnet is fixed, and no two networks may have the same")
