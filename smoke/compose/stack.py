"""What a stack's settings say of the services of a compose file: which they are, and where their images come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smoke.compose.reading import load
from smoke.errors import UsageError


@dataclass(frozen=True, slots=True)
class Served:
    """A service of a stack."""

    kind: str
    command: str
    """What its image is started with: the image itself does not say it."""
    port: str
    """Where it listens, as PORT tells it; empty where it does not."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, as its settings file declares it."""

    name: str
    services: Mapping[str, Served]
    images: bool
    """Whether it builds any: its target is docker."""
    registry: str = ""
    """Where they are pushed to; empty where they stay on this machine."""

    def kind(self, service: str) -> str:
        """Of a service; empty where it has none of that name."""
        return self.services[service].kind if service in self.services else ""

    def image(self, service: str, runtime: str) -> str:
        """The alias of the service's newest image on a runtime."""
        return f"{self.registry + '/' if self.registry else ''}crossfade/{self.name}-{service}:{runtime}"


def stack_of(text: str, file: str, name: str, runtime: str) -> Stack:
    """Read a settings file, as far as compose files go.

    Raises:
        UsageError: it is none, or none of its slots has the runtime.
    """
    _, values = load(text, file)
    config = _mapping(values.get("config"))
    services, slots = (_mapping(config.get(f"crossfade:{key}")) for key in ("services", "slots"))
    runtimes = {str(each["runtime"]): each for each in map(_mapping, slots.values()) if "runtime" in each}
    if runtime not in runtimes:
        known = ", ".join(sorted(runtimes)) or "none"
        raise UsageError(f"no slot of {name} has the runtime {runtime}", f"{file} crossfade:slots", f"they have: {known}")
    own = _mapping(runtimes[runtime].get("services"))
    return Stack(
        name,
        {service: _served({**_mapping(each), **_mapping(own.get(service))}) for service, each in services.items()},
        images=config.get("crossfade:target") == "docker",
        registry=str(_mapping(config.get("crossfade:docker")).get("registry") or ""),
    )


def _served(service: Mapping[str, Any]) -> Served:
    return Served(*(str(service.get(key) or "") for key in ("kind", "command", "port")))


def _mapping(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 - whatever was written
    return value if isinstance(value, Mapping) else {}
