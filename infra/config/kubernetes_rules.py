"""What must hold between settings where the target is a cluster, and what is for a cluster alone."""

from collections.abc import Iterator

from infra.config.document import Document, Keys
from infra.config.faults import Fault, paste
from infra.config.health import Check, Http
from infra.config.kubernetes import ALONE, GatewayMetrics, KubernetesSettings
from infra.config.settings import Program, Service, Settings

TARGET = "kubernetes"
SLOTS = ("blue", "green")
_WELL = range(200, 400)
"""What the kubelet takes for well."""


def cluster_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    """Every fault of a stack in a cluster; or what a stack elsewhere has no use for."""
    if settings.target != TARGET:
        yield from _elsewhere(settings, document)
        return
    yield from _place(settings, document)
    yield from _of_docker_alone(settings, document)
    yield from _registry(settings, document)
    yield from _companions(settings, document)
    for keys, program in _programs(settings):
        if program.image is not None and program.dockerfile is not None:
            where = document.where((*keys, "dockerfile"))
            cause = "its image is built elsewhere: which of them counts is anybody's guess"
            yield Fault(f"{keys[-1]} has no use for dockerfile", where, cause, "take dockerfile out, or image")
    for name, service in settings.services.items():
        keys = ("services", name)
        yield from _numbers(name, service, document, keys)
        yield from _checks(service, document, keys)
        yield from _manifested(name, settings, document, keys)
        if service.kind != "singleton" and service.url is None:
            cause = "a gateway does not say what it is reached by"
            hint = paste(document, (*keys, "url"), "https://api.example.com")
            yield Fault(f"{name} has no url", document.where((*keys, "url")), cause, hint)


def _elsewhere(settings: Settings, document: Document) -> Iterator[Fault]:
    found: list[Keys] = [("kubernetes",)] if "kubernetes" in settings.model_fields_set else []
    found += [(*keys, key) for keys, program in _programs(settings) for key in ALONE if key in program.model_fields_set]
    for keys in found:
        cause = f"the target is {settings.target}, which is one machine"
        hint = f"take it out, or take the target kubernetes:\n{paste(document, ('target',), TARGET)}"
        yield Fault(f"{keys[-1]} is for clusters", document.where(keys), cause, hint)


def _programs(settings: Settings) -> list[tuple[Keys, Program]]:
    found: list[tuple[Keys, Program]] = [(("services", name), each) for name, each in settings.services.items()]
    return [*found, *((("companions", name), each) for name, each in settings.companions.items())]


def _place(settings: Settings, document: Document) -> Iterator[Fault]:
    place = settings.kubernetes
    example = KubernetesSettings(
        namespace="trading",
        gateway="gateways/public",
        metrics=GatewayMetrics(kind="traefik", url=("http://gateway.example.com:9100/metrics",)),
    ).model_dump(exclude_none=True)
    example["metrics"]["url"] = example["metrics"]["url"][0]
    if place is None:
        cause = "it has no default: the namespace is yours to choose"
        hint = paste(document, ("kubernetes",), example)
        yield Fault("kubernetes is missing", document.where(("kubernetes",)), cause, hint)
        return
    weighted = [name for name, each in settings.services.items() if each.kind != "singleton"]
    wanted = {"gateway": "its requests are split at a Gateway", "metrics": "without them nobody sees whether users are well"}
    for key, cause in wanted.items() if weighted else ():
        if getattr(place, key) is None:
            keys: Keys = ("kubernetes", key)
            yield Fault(f"{weighted[0]} has no {key}", document.where(keys), cause, paste(document, keys, example[key]))


def _of_docker_alone(settings: Settings, document: Document) -> Iterator[Fault]:
    found: list[Keys] = [("docker", key) for key in ("subnet", "proxy") if key in settings.docker.model_fields_set]
    found += [("services", name, "listen") for name, each in settings.services.items() if "listen" in each.model_fields_set]
    for keys in found:
        cause = "in a cluster addresses are the cluster's, and users come through a Gateway"
        yield Fault(f"{keys[-1]} is for one machine", document.where(keys), cause, f"take {keys[-1]} out")


def _registry(settings: Settings, document: Document) -> Iterator[Fault]:
    built = [keys[-1] for keys, program in _programs(settings) if program.image is None]
    if built and settings.docker.registry is None:
        keys: Keys = ("docker", "registry")
        cause = f"the nodes of a cluster pull images, and that of {built[0]} would be on this machine alone"
        hint = f"under crossfade:docker:\n{paste(document, keys, 'registry.example.com/team')}\nor give {built[0]} an image"
        yield Fault("there is no registry", document.where(keys), cause, hint)


def _companions(settings: Settings, document: Document) -> Iterator[Fault]:
    taken = {f"{name}-{slot}": name for name in settings.services for slot in SLOTS}
    for name in sorted(settings.companions.keys() & taken):
        cause = f"a slot of {taken[name]} goes by that name in the cluster"
        yield Fault(f"a companion cannot be {name}", document.where(("companions", name)), cause, f"rename the companion {name}")


def _numbers(name: str, service: Service, document: Document, keys: Keys) -> Iterator[Fault]:
    if service.kind == "singleton":
        for key in (each for each in ("replicas", "autoscale", "hosts", "listener", "url") if each in service.model_fields_set):
            cause = "a singleton is at work once, and takes no traffic"
            yield Fault(f"{name} has no use for {key}", document.where((*keys, key)), cause, f"take {key} out")
        return
    scale = service.autoscale
    if scale is not None and scale.max <= service.replicas:
        where = document.where((*keys, "autoscale", "max"))
        cause = f"it has {service.replicas} from the beginning"
        hint = paste(document, (*keys, "autoscale", "max"), 2 * service.replicas)
        yield Fault(f"{name} cannot be scaled to {scale.max}", where, cause, hint)
    if scale is not None and service.cpus is None and service.manifests is None:
        cause = "it is scaled by the share of `cpus` that it uses"
        yield Fault(f"{name} has no cpus", document.where((*keys, "cpus")), cause, paste(document, (*keys, "cpus"), 0.5))


def _manifested(name: str, settings: Settings, document: Document, keys: Keys) -> Iterator[Fault]:
    """What a folder of YAML says already."""
    service = settings.services[name]
    if service.manifests is None:
        return
    said = [*((*keys, key) for key in ("command", "health", "memory", "cpus") if key in document.at(keys))]
    own = {slot: place.services.get(name) for slot, place in settings.slots.items()}
    said += [("slots", slot, "services", name, "command") for slot, each in own.items() if each and each.command is not None]
    for each in said:
        yield Fault(
            f"{name} has no use for {each[-1]}", document.where(each), f"{service.manifests} says it", f"take {each[-1]} out"
        )


def _checks(service: Service, document: Document, keys: Keys) -> Iterator[Fault]:
    """What the kubelet, which asks in our place, cannot be told of a check."""
    for index, check in enumerate(service.health):
        for key in _unseen(check):
            where = document.where((*keys, "health", index, "http", key))
            cause = "the kubelet asks, and looks at the status alone: 200 to 399 is well"
            yield Fault(
                f"{key} cannot be asked in a cluster", where, cause, f"take {key} out, and answer with a status that says it"
            )


def _unseen(check: Check) -> list[str]:
    if not isinstance(check, Http):
        return []
    return [*(["contains"] if check.contains is not None else []), *(["status"] if check.status not in _WELL else [])]
