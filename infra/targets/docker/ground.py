"""What this machine and its engine cannot give that the settings ask for. Looks, and changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.config import Document, Fault, Settings
from infra.config.document import Keys
from infra.config.faults import paste
from infra.config.settings import Program
from infra.images import faults as build_faults
from infra.targets.docker.engine import Engine, EngineError
from infra.targets.docker.layout import Layout
from infra.targets.local.ground import missing_files, reserved_names, taken_ports, too_deep
from infra.targets.local.home import SLOTS, program_name, read_json

if TYPE_CHECKING:
    import psutil


def faults(project: Path, layout: Layout, settings: Settings, document: Document) -> Sequence[Fault]:
    """Every such fault; where the engine itself is not as it should be, what it would have to say of is not asked."""
    asked = sorted({each.runtime for each in settings.slots.values()})
    here = [
        *too_deep(layout.home, document),
        *missing_files(project, settings, document, asked),
        *missing_dockerfiles(project, settings, document),
        *reserved_names(settings, document),
    ]
    engine = [
        *_moved(layout, document),
        *build_faults(document.where(("docker", "host")), layout.daemon, settings.docker.builder),
    ]
    return [*here, *(engine or engine_faults(layout, settings, document))]


def _moved(layout: Layout, document: Document) -> Iterator[Fault]:
    """Another engine than the stack lives in: of this shell, or of settings that were edited."""
    records = [read_json(file) for file in sorted((layout.home.folder / "programs").glob("*.json"))]
    lives = sorted({str(each["daemon"]) for each in records if isinstance(each, dict) and "daemon" in each} - {layout.daemon})
    if lives:
        cause = f"its containers are in the engine at {lives[0]}, and this is {layout.daemon}"
        hint = f"name it, under crossfade:docker: {{host: {lives[0]}}}; or: export DOCKER_HOST={lives[0]}"
        yield Fault("the stack lives in another engine", document.where(("docker", "host")), cause, hint)


def missing_dockerfiles(project: Path, settings: Settings, document: Document) -> Iterator[Fault]:
    """Dockerfiles of the user's own that are not there."""
    programs: list[tuple[Keys, Program]] = [(("services", name), each) for name, each in settings.services.items()]
    programs += [(("companions", name), each) for name, each in settings.companions.items()]
    for keys, program in programs:
        if program.dockerfile is not None and not (project / program.dockerfile).is_file():
            cause = f"{project / program.dockerfile} is not there"
            hint = "give its path from the project's folder, or take dockerfile out: Crossfade has one of its own"
            yield Fault(f"there is no {program.dockerfile}", document.where((*keys, "dockerfile")), cause, hint)


def engine_faults(layout: Layout, settings: Settings, document: Document) -> Sequence[Fault]:
    """What the engine itself says that it cannot give."""
    engine = Engine(layout.daemon)
    try:
        containers, volumes = engine.containers(), engine.volumes()
        networks, info = engine.networks(), engine.info()
    except EngineError as error:
        where = document.where(("docker", "host"))
        return [Fault("the engine does not answer", where, str(error), "systemctl status docker; docker info")]
    own = [each for each in containers if _is_of(each, layout)]
    others = {
        "container": {name[1:] for each in containers if not _is_of(each, layout) for name in each.get("Names") or ()},
        "volume": {each["Name"] for each in volumes if not _is_of(each, layout)},
    }
    # Whose network it is says it all: the other stack has everything else by the same names.
    named = [*_network(layout, networks, document)] or _names(layout, settings, others, document)
    return [
        *_elsewhere(info, document),
        *named,
        *taken_ports(settings, document, lambda owner, port: _is_ours(owner, port, own), slots=False),
    ]


def _elsewhere(info: Mapping[str, Any], document: Document) -> Iterator[Fault]:
    """An engine whose containers are not in reach of this machine's processes."""
    rootless = "name=rootless" in (info.get("SecurityOptions") or ())
    if rootless or info.get("OperatingSystem") == "Docker Desktop":
        kind = "rootless" if rootless else "in a machine of its own"
        cause = f"it is {kind}: its containers' addresses do not lead anywhere here, and the proxy shares no network with them"
        hint = "name an engine of this machine's root: host: unix:///var/run/docker.sock, under crossfade:docker"
        yield Fault("this engine will not do", document.where(("docker", "host")), cause, hint)


def _is_ours(owner: "psutil.Process | None", port: int, own: Sequence[Any]) -> bool:
    """Whether a container of the stack has the port: the proxy on this machine's network, or a companion by publishing it."""
    if any(each.get("PublicPort") == port for container in own for each in container.get("Ports", ())):
        return True
    proxied = any(container.get("HostConfig", {}).get("NetworkMode") == "host" for container in own)
    return proxied and owner is not None and owner.name() == "envoy"


def _is_of(thing: Mapping[str, Any], layout: Layout) -> bool:
    return (thing.get("Labels") or {}).get("crossfade.home") == str(layout.home.folder)


def _names(layout: Layout, settings: Settings, others: Mapping[str, set[str]], document: Document) -> Iterator[Fault]:
    """Names of the stack's that others' containers and volumes have: the volumes would be taken for its own, and removed."""
    programs = [program_name(name, slot) for name in settings.services for slot in SLOTS]
    names = {
        "container": {layout.container(each) for each in (*programs, *settings.companions, "envoy")},
        "volume": {layout.volume(each) for each in (*settings.services, *settings.companions)},
    }
    for kind, ours in names.items():
        for name in sorted(ours & others[kind]):
            hint = f"give the stack another name, or, where nobody needs it:\ndocker -H {layout.daemon} {kind} rm {name}"
            yield Fault(f"there is a {kind} {name} already", document.where(("target",)), "it was not made by this project", hint)


def _network(layout: Layout, networks: Sequence[Any], document: Document) -> Iterator[Fault]:
    """Another stack's network of the same name or with the same addresses; or this one's, with others than it had."""
    for each in networks:
        subnets = [IPv4Network(config["Subnet"]) for config in (each.get("IPAM", {}).get("Config") or ()) if _is_four(config)]
        ours = _is_of(each, layout)
        if each["Name"] == layout.network and not ours:
            by = (each.get("Labels") or {}).get("crossfade.home", "nobody says by whom")
            cause = f"the network {layout.network} was not made by this project: {by}"
            yield Fault(
                f"there is a stack {layout.stack} in this engine already",
                document.where(("target",)),
                cause,
                "give the stack another name, or destroy the other one",
            )
        elif ours and layout.subnet not in subnets:
            hint = (
                f"put it back:\n{paste(document, ('docker', 'subnet'), str(subnets[0]))}" if subnets else "pulumi destroy first"
            )
            cause = "every address of the stack is in it: all containers would be made anew, those with traffic too"
            yield Fault("the network of a stack cannot change", document.where(("docker", "subnet")), cause, hint)
        elif not ours and any(layout.subnet.overlaps(other) for other in subnets):
            hint = f"take another one:\n{paste(document, ('docker', 'subnet'), _spare(networks))}"
            cause = f"network {each['Name']} has {', '.join(map(str, subnets))}"
            yield Fault(f"the addresses {layout.subnet} are taken", document.where(("docker", "subnet")), cause, hint)


def _is_four(config: Any) -> bool:  # noqa: ANN401 - the engine's JSON
    return "." in config.get("Subnet", "")


def _spare(networks: Sequence[Any]) -> str:
    """A network that none of the engine's overlaps with."""
    used = [
        IPv4Network(config["Subnet"])
        for each in networks
        for config in (each.get("IPAM", {}).get("Config") or ())
        if _is_four(config)
    ]
    spare = (IPv4Network(f"10.{second}.0.0/16") for second in range(250, 20, -1))
    return str(next(each for each in spare if not any(each.overlaps(other) for other in used)))
