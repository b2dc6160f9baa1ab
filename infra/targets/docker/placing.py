"""How a container is started: its words, its environment, what it shares, and how it is looked after. Pure."""

from collections.abc import Mapping

from infra.contract.document import Json
from infra.release import Inputs, version_of
from infra.targets.docker.layout import BEAT, FRONT, INSIDE, Layout
from infra.targets.local.home import program_name

LOGS: Mapping[str, str] = {"max-size": "20m", "max-file": "4"}
STOP = 15
"""Seconds that a program has to end when it is asked to."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a network of its own


def words(inputs: Inputs) -> list[str]:
    """The words of its command, ``{host}`` and ``{port}`` filled in."""
    port = str(inputs.get("port", ""))
    return [word.replace("{host}", EVERYWHERE).replace("{port}", port) for word in inputs["command"]]


def environment(service: str, slot: str | None, inputs: Inputs) -> Mapping[str, str]:
    """What it is given."""
    given = {
        "HOME": "/tmp",  # noqa: S108 - its user has no other
        **inputs["env"],
        "HOST": EVERYWHERE,
        "CROSSFADE_SERVICE": service,
        "CROSSFADE_RUNTIME": inputs["runtime"],
        "CROSSFADE_VERSION": version_of(inputs),
        "CROSSFADE_DATA": str(INSIDE / "data"),
        "CROSSFADE_HEALTH_PATH": inputs["health"],
    }
    if inputs.get("port") is not None:
        given["PORT"] = str(inputs["port"])
    if slot is not None:
        given |= {"CROSSFADE_SLOT": slot, "CROSSFADE_HEARTBEAT": str(BEAT)}
    if inputs["kind"] == "singleton":
        given["CROSSFADE_FENCE"] = str(INSIDE / "fence")
    return given


def folders(layout: Layout, service: str, slot: str | None, inputs: Inputs) -> Mapping[str, str]:
    """Folders of this machine that it shares, by where it has them."""
    shared = {} if slot is None else {str(BEAT.parent): str(layout.beat(program_name(service, slot)))}
    if inputs["kind"] == "singleton":
        shared[str(INSIDE / "fence")] = str(layout.home.fence(service))
    return shared


def container(layout: Layout, service: str, slot: str | None, inputs: Inputs) -> dict[str, Json]:
    """The arguments of its resource, but for the image."""
    program, port = program_name(service, slot), inputs.get("port")
    given = environment(service, slot, inputs)
    labels = {**layout.labels, "crossfade.service": service, "crossfade.version": version_of(inputs)}
    if slot is not None:
        labels["crossfade.slot"] = slot
    network: dict[str, Json] = {"name": layout.network, "aliases": [program]}
    if port is not None:
        network["ipv4_address"] = layout.address(port, slot)
    mounts = [{"type": "volume", "source": layout.volume(service), "target": str(INSIDE / "data")}]
    shared = folders(layout, service, slot, inputs)
    mounts += [{"type": "bind", "source": source, "target": target} for target, source in shared.items()]
    return {
        **kept(layout, program),
        "command": words(inputs),
        "envs": sorted(f"{name}={value}" for name, value in given.items()),
        "labels": labelled(labels),
        "networks_advanced": [network],
        "hosts": [{"host": FRONT, "ip": layout.gateway}],
        "mounts": mounts,
        "user": ":".join(map(str, layout.user)),
        "security_opts": ["no-new-privileges:true"],
        **({} if slot is not None or port is None else {"ports": [{"internal": port, "external": port, "ip": "127.0.0.1"}]}),
        # No swap beside it: the provider reads back what the engine sets by itself, and would change it at every run.
        **({"memory": inputs["memory"], "memory_swap": inputs["memory"]} if "memory" in inputs else {}),
        **({"cpus": f"{inputs['cpus']:g}"} if "cpus" in inputs else {}),
    }


def kept(layout: Layout, program: str) -> dict[str, Json]:
    """What holds for every container of a stack: started again when it ends, asked to end, its log of a size."""
    return {
        "name": layout.container(program),
        "restart": "always",
        "init": True,
        "stop_signal": "SIGTERM",
        "stop_timeout": STOP,
        "destroy_grace_seconds": STOP,
        "must_run": True,
        "log_driver": "json-file",
        "log_opts": dict(LOGS),
    }


def labelled(labels: Mapping[str, str]) -> list[Json]:
    """Labels as the resource has them."""
    return [{"label": name, "value": value} for name, value in sorted(labels.items())]
