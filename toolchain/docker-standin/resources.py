"""What is done to networks, volumes and containers. Where upstream is unkind, this is too: what works here should work there."""

import json
from collections.abc import Mapping
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import quote

import bodies
from engine import Engine, EngineError

Inputs = Mapping[str, Any]
SETS = {"adds", "aliases", "drops", "envs", "hosts", "ipamConfigs", "labels", "mounts", "networksAdvanced", "securityOpts"}
"""Lists whose order says nothing."""
IN_PLACE = {"destroyGraceSeconds", "memory", "memorySwap", "mustRun", "restart"}
"""What may change of a container that goes on running."""
PASSED_OVER = {"healthcheck", "init", "tmpfs"}
"""What upstream calls an update, and then leaves the container as it was."""
IN_USE = {403, 409}
"""How the daemon says that something still uses a network, or a volume."""
RELEASE = 30.0
"""Seconds in which the users of a network or a volume have to go."""
SETTLE = 0.1
"""Seconds after the start in which a container that cannot run has ended."""


class Network:
    """A network. Any change makes a new one."""

    def create(self, engine: Engine, inputs: Inputs) -> tuple[str, Inputs]:
        """The new network's id, and its outputs."""
        made = engine.ask("POST", "/networks/create", bodies.network(inputs))["Id"]
        return made, {"driver": "bridge", **inputs}

    def read(self, engine: Engine, id_: str, state: Inputs) -> Inputs | None:
        """Its outputs, None where it is gone."""
        return state if engine.find(f"/networks/{id_}") else None

    def delete(self, engine: Engine, id_: str, state: Inputs, stop: Event) -> None:
        """Remove it, when the last container has left it."""
        _remove_unused(engine, f"/networks/{id_}", stop)


class Volume:
    """A volume; its id is its name. The daemon takes one that is there already for its own, and so does upstream."""

    def create(self, engine: Engine, inputs: Inputs) -> tuple[str, Inputs]:
        """The volume's name, and its outputs."""
        given = {"Driver": inputs.get("driver", "local"), "DriverOpts": inputs.get("driverOpts", {})}
        body = {"Name": inputs["name"], "Labels": bodies.labels(inputs), **given}
        made = engine.ask("POST", "/volumes/create", body)
        return made["Name"], {**inputs, "driver": made["Driver"], "mountpoint": made["Mountpoint"]}

    def read(self, engine: Engine, id_: str, state: Inputs) -> Inputs | None:
        """Its outputs, None where it is gone."""
        return state if engine.find(f"/volumes/{id_}") else None

    def delete(self, engine: Engine, id_: str, state: Inputs, stop: Event) -> None:
        """Remove it and all that is in it, when no container uses it."""
        _remove_unused(engine, f"/volumes/{id_}", stop)


class RemoteImage:
    """An image from a registry, pulled where the daemon does not have it. Any change makes a new one."""

    def create(self, engine: Engine, inputs: Inputs) -> tuple[str, Inputs]:
        """An id, and the outputs: what containers are made of is ``imageId``."""
        found = engine.find(_image(inputs))
        if found is None:
            engine.pull(inputs["name"])
            found = engine.ask("GET", _image(inputs))
        digests = found.get("RepoDigests") or [""]
        return found["Id"] + inputs["name"], {**inputs, "imageId": found["Id"], "repoDigest": digests[0]}

    def read(self, engine: Engine, id_: str, state: Inputs) -> Inputs | None:
        """Its outputs, None where the daemon has it no more."""
        found = engine.find(_image(state))
        return None if found is None else {**state, "imageId": found["Id"]}

    def delete(self, engine: Engine, id_: str, state: Inputs, stop: Event) -> None:
        """Remove it, unless it is to be kept."""
        if not state.get("keepLocally"):
            engine.remove(f"/images/{quote(state['name'])}")


class Container:
    """A container: made, joined to its networks, started, and looked at once."""

    def create(self, engine: Engine, inputs: Inputs) -> tuple[str, Inputs]:
        """The new container's id, and its outputs. Nothing of it is left where it cannot be started."""
        made = engine.ask("POST", f"/containers/create?name={quote(inputs['name'])}", bodies.container(inputs))["Id"]
        try:
            _join(engine, made, inputs)
            engine.ask("POST", f"/containers/{made}/start")
            Event().wait(SETTLE)
            found = engine.ask("GET", f"/containers/{made}/json")
            if _must_run(inputs) and not found["State"]["Running"]:
                raise EngineError(f"container exited immediately, with code {found['State']['ExitCode']}")
        except EngineError:
            engine.remove(f"/containers/{made}?force=1&v=1")
            raise
        return made, _outputs(inputs, found)

    def read(self, engine: Engine, id_: str, state: Inputs) -> Inputs | None:
        """Its outputs, None where it is gone. One that must run and does not is removed, as upstream does it, and is gone."""
        found = engine.find(f"/containers/{id_}/json")
        if found is None:
            return None
        if _must_run(state) and not found["State"]["Running"]:
            self.delete(engine, id_, state, Event())
            return None
        return _outputs(state, found)

    def update(self, engine: Engine, id_: str, old: Inputs, new: Inputs) -> Inputs:
        """The outputs after a change of what may change in place."""
        before, after = bodies.limits(old), bodies.limits(new)
        if before != after:
            engine.ask("POST", f"/containers/{id_}/update", after)
        return _outputs(new, engine.ask("GET", f"/containers/{id_}/json"))

    def delete(self, engine: Engine, id_: str, state: Inputs, stop: Event) -> None:
        """Remove it; it is asked to stop before only where ``destroyGraceSeconds`` says so."""
        grace = int(state.get("destroyGraceSeconds", 0))
        if grace > 0 and engine.find(f"/containers/{id_}/json"):
            engine.ask("POST", f"/containers/{id_}/stop?t={grace}", wait=grace)
        engine.remove(f"/containers/{id_}?force=1&v=1")


KINDS: Mapping[str, Any] = {"Network": Network(), "Volume": Volume(), "RemoteImage": RemoteImage(), "Container": Container()}


def changes(kind: str, state: Inputs, old: Inputs, new: Inputs) -> tuple[list[str], list[str]]:
    """The properties that change, and those of them that make a new thing necessary.

    ``state`` is the outputs as they were last seen, ``old`` and ``new`` are inputs.
    """
    changed = {key for key in {*old, *new} if _ordered(key, old.get(key)) != _ordered(key, new.get(key))}
    if kind != "Container":
        return sorted(changed), sorted(changed)
    if state.get("image") != new.get("image"):
        changed.add("image")
    # The daemon sets a limit of its own beside that of the memory, and upstream wants it gone again, every time.
    if state.get("memorySwap", 0) != new.get("memorySwap", 0):
        changed.add("memorySwap")
    return sorted(changed), sorted(changed - IN_PLACE - PASSED_OVER)


def passed_over(old: Inputs, new: Inputs) -> list[str]:
    """The changed properties that upstream would pass over in silence."""
    return sorted(key for key in PASSED_OVER if old.get(key) != new.get(key))


def _image(inputs: Inputs) -> str:
    return f"/images/{quote(inputs['name'])}/json"


def _join(engine: Engine, container: str, inputs: Inputs) -> None:
    networks = inputs.get("networksAdvanced", [])
    if networks and inputs.get("networkMode", "bridge") == "bridge":
        engine.ask("POST", "/networks/bridge/disconnect", {"Container": container})
    for each in networks:
        path = f"/networks/{quote(each['name'])}/connect"
        engine.ask("POST", path, {"Container": container, "EndpointConfig": bodies.endpoint(each)})


def _outputs(inputs: Inputs, found: Mapping[str, Any]) -> Inputs:
    """As upstream has them: the image by its id, whatever it was called."""
    swap = found["HostConfig"]["MemorySwap"]
    shown = {"memorySwap": swap if swap < 0 else swap // bodies.MB} if swap else {}
    return {**inputs, "image": found["Image"], **shown}


def _must_run(inputs: Inputs) -> bool:
    return bool(inputs.get("mustRun", True))


def _remove_unused(engine: Engine, path: str, stop: Event) -> None:
    until = monotonic() + RELEASE
    while True:
        try:
            return engine.remove(path)
        except EngineError as error:
            if error.status not in IN_USE or monotonic() > until or stop.wait(0.2):
                raise


def _ordered(key: str, value: Any) -> Any:
    """The value with every set in it in one order."""
    if isinstance(value, Mapping):
        return {inner: _ordered(inner, each) for inner, each in value.items()}
    if isinstance(value, list):
        inner = [_ordered("", each) for each in value]
        return sorted(inner, key=_text) if key in SETS else inner
    return value


def _text(value: Any) -> str:
    # Keys in one order too: a document has them in another one each time that it arrives.
    return json.dumps(value, sort_keys=True)
