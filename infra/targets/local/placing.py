"""How a program is started: its words and its environment. Pure."""

from collections.abc import Mapping

from infra.content import digest
from infra.release import Inputs, version_of
from infra.targets.local.home import Home
from infra.targets.local.machine import slot_port

HOST = "127.0.0.1"


def artefact(inputs: Inputs) -> str:
    """Digest of what runs: source and lock together."""
    return digest(f"{inputs['source']} {inputs['lock']}".encode())


def port_of(inputs: Inputs, slot: str | None) -> int | None:
    """Where the process listens: a companion on its own port, a slot above the front's."""
    port: int | None = inputs.get("port")
    return port if slot is None or port is None else slot_port(port, slot)


def argv(home: Home, inputs: Inputs, slot: str | None) -> list[str]:
    """The words of its command: the first is looked for in its own environment, ``{host}`` and ``{port}`` are filled in."""
    programs = home.environment(inputs["runtime"], inputs["lock"]) / "bin"
    port = port_of(inputs, slot)
    words = [word.replace("{host}", HOST).replace("{port}", "" if port is None else str(port)) for word in inputs["command"]]
    first = words[0] if "/" in words[0] else str(programs / words[0])
    return [first, *words[1:]]


def environment(home: Home, service: str, slot: str | None, inputs: Inputs) -> Mapping[str, str]:
    """What it is given beside the inherited environment."""
    port = port_of(inputs, slot)
    given = {
        **inputs["env"],
        "HOST": HOST,
        "CROSSFADE_SERVICE": service,
        "CROSSFADE_RUNTIME": inputs["runtime"],
        "CROSSFADE_VERSION": version_of(inputs),
        "CROSSFADE_DATA": str(home.data(service)),
        "CROSSFADE_HOME": str(home.folder),
    }
    if port is not None:
        given["PORT"] = str(port)
    if slot is not None:
        given |= {"CROSSFADE_SLOT": slot, "CROSSFADE_HEARTBEAT": str(home.heartbeat(service, slot))}
    if inputs["kind"] == "singleton":
        given["CROSSFADE_FENCE"] = str(home.fence(service))
    return given
