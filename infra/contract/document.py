"""The contract: the stack output ``crossfade``, as frozen values and as versioned JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import Any, Literal, Self, get_args, get_origin

FORMAT = 1
"""Version of the JSON form. A reader refuses any other."""

VERSION_HEADER = "x-crossfade-version"
"""Header by which whatever answers for a placement shows its version."""

Json = Any
"""A value that ``json`` can write and read back unchanged."""

Kind = Literal["http", "sticky-http", "singleton"]
Slot = Literal["blue", "green"]

_KINDS: tuple[str, ...] = get_args(Kind)
_SLOTS: tuple[str, ...] = get_args(Slot)


class ContractError(ValueError):
    """The document is not a contract that this version can read."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Which backend of a seam serves, by its key in that seam's table, and the settings that backend understands."""

    kind: str
    settings: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Placement:
    """One service in one slot, as it was placed."""

    service: str
    slot: str
    runtime: str
    """For example ``py312``."""
    artefact: str
    """Digest of what runs: source and lock, as ``sha256:<64 hex>``."""
    version: str
    """Identity that whatever answers for this placement must show: ``<runtime>-<12 hex>``."""
    address: str | None
    """``host:port`` that reaches this slot directly, or None where the service does not listen."""
    heartbeat: str | None
    """File that the process keeps replacing while it is alive, or None."""
    python: str
    """The interpreter of the slot's own environment."""
    folder: str
    """The folder the process runs in."""
    environment: Mapping[str, str]
    """What the process was given beside the inherited environment; secrets are never in here."""
    inputs: Mapping[str, Json]
    """Everything that is needed to place it again, exactly; a revert hands this back to the program."""
    container: str | None = None
    """Name of the container it runs in, or None where it is a process of this machine."""
    daemon: str | None = None
    """Address of the engine that has the container, or None."""

    @property
    def imaged(self) -> bool:
        """Whether it was made from an image, whose interpreter is none of this machine."""
        return not self.python.startswith("/")


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of the user's own that a service is judged on beside its requests."""

    name: str
    meter: Backend
    """Counts per slot as ``requests``, and the bad ones among them as ``errors``."""
    at_most: float | None
    """Share of all that may be bad, 0 to 1; None: no objective."""
    ratio: float | None
    """The candidate's share of bad ones may be this many times the live one's; None: they are not compared."""
    every: float
    """Seconds from one read to the next."""


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable program and how it is reached, watched and routed."""

    name: str
    kind: str
    after: tuple[str, ...]
    """Services that must have their weight before this one."""
    placements: Mapping[str, Placement]
    """By slot; a slot without this service is absent."""
    probes: tuple[Backend, ...]
    router: Backend | None
    """None for a singleton."""
    meter: Backend | None
    handover: Backend | None
    """Set for a singleton alone."""
    front: str | None
    """URL that users reach the service by, weights applied; None for a singleton."""
    metrics: tuple[Metric, ...] = ()
    capacity: Backend | None = None
    """None where the number of instances is nobody's to change."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a deployed stack says of itself."""

    stack: str
    target: str
    start: str
    """The slot that served when the stack was first created: live until a rollout was promoted."""
    born: str
    """When the stack was created; no other stack has the same. What was remembered of an earlier one no longer counts."""
    services: tuple[Service, ...]
    """Providers before consumers."""
    plan: Mapping[str, Json]
    config: Mapping[str, Json]
    """The stack's ``crossfade:`` configuration as it was deployed; a revert re-runs it."""
    releases: Mapping[str, str]
    """Fingerprint of what each slot holds, over all its services; a slot that is absent is not in here."""
    journal: Backend | None = None
    """Where rollouts are remembered; None: beside the state of Pulumi."""
    driver: Backend | None = None
    """What drives a rollout where nobody's terminal does; None: nothing but the watchdog, where there is one."""

    def service(self, name: str) -> Service:
        """The service of that name.

        Raises:
            KeyError: the stack has no such service.
        """
        return {service.name: service for service in self.services}[name]

    def placed(self) -> dict[str, dict[str, Mapping[str, Json]]]:
        """By slot, by service: the recorded inputs of everything that is placed."""
        slots: dict[str, dict[str, Mapping[str, Json]]] = {}
        for service in self.services:
            for slot, placement in service.placements.items():
                slots.setdefault(slot, {})[service.name] = placement.inputs
        return slots

    def to_json(self) -> Mapping[str, Json]:
        """The versioned document; ``from_json`` reads it back to an equal value."""
        return {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read a document.

        Raises:
            ContractError: it is of another format, or a field is missing, unknown or of the wrong kind.
        """
        if not isinstance(document, Mapping):
            raise ContractError(f"a contract is an object, not {type(document).__name__}")
        if document.get("format") != FORMAT:
            raise ContractError(f"format {document.get('format')!r} is not {FORMAT}")
        try:
            rest = {key: value for key, value in document.items() if key != "format"}
            journal, driver = (_backend(rest.pop(name, None)) for name in ("journal", "driver"))
            services = tuple(_service(item) for item in _list(rest.pop("services")))
            contract = cls(services=services, journal=journal, driver=driver, **rest)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise ContractError(f"not a contract: {error}") from error
        _check(contract)
        return contract


def _check(contract: Contract) -> None:
    _check_kinds(contract, "contract")
    _among(contract.start, _SLOTS, "start")
    for name, backend in (("journal", contract.journal), ("driver", contract.driver)):
        if backend is not None:
            _check_kinds(backend, f"the {name}")
    for service in contract.services:
        _check_kinds(service, f"service {service.name}")
        _among(service.kind, _KINDS, f"kind of {service.name}")
        if not all(isinstance(each, str) for each in service.after):
            raise ContractError(f"service {service.name}: after is no list of names")
        for slot, placement in service.placements.items():
            _among(slot, _SLOTS, f"slot of {service.name}")
            _check_kinds(placement, f"{service.name} on {slot}")
        for metric in service.metrics:
            _check_kinds(metric, f"metric {metric.name} of {service.name}")
        meters = (service.meter, *(metric.meter for metric in service.metrics))
        for backend in (*service.probes, service.router, *meters, service.handover, service.capacity):
            if backend is not None:
                _check_kinds(backend, f"a backend of {service.name}")


def _among(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise ContractError(f"{what}: {value!r} is none of {', '.join(known)}")


def _check_kinds(value: "Contract | Service | Metric | Placement | Backend", what: str) -> None:
    """Refuse a field that holds something of another kind than it says."""
    for field in fields(value):
        kind: Any = field.type if isinstance(field.type, UnionType) else get_origin(field.type) or field.type
        given = getattr(value, field.name)
        if not isinstance(given, kind):
            raise ContractError(f"{what}: {field.name} is {type(given).__name__}, not {field.type}")


def _service(item: Mapping[str, Json]) -> Service:
    rest = dict(item)
    return Service(
        placements={slot: Placement(**each) for slot, each in rest.pop("placements").items()},
        probes=tuple(Backend(**each) for each in _list(rest.pop("probes"))),
        after=tuple(_list(rest.pop("after"))),
        router=_backend(rest.pop("router")),
        meter=_backend(rest.pop("meter")),
        handover=_backend(rest.pop("handover")),
        capacity=_backend(rest.pop("capacity", None)),
        metrics=tuple(_metric(each) for each in _list(rest.pop("metrics", ()))),
        **rest,
    )


def _metric(item: Mapping[str, Json]) -> Metric:
    rest = dict(item)
    numbers = {name: _number(rest.pop(name)) for name in ("at_most", "ratio", "every")}
    return Metric(meter=Backend(**rest.pop("meter")), **numbers, **rest)


def _number(value: Json) -> Json:
    """The engine writes 1.0 as 1."""
    return float(value) if type(value) is int else value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is no list")
    return list(value)


def _backend(item: Mapping[str, Json] | None) -> Backend | None:
    return None if item is None else Backend(**item)


def fingerprint(inputs: Json) -> str:
    """Hash of inputs: the same for equal values whatever the order of their keys; 16 hexadecimal digits."""
    import hashlib  # noqa: PLC0415 - `status` takes no fingerprints, and does not wait for it

    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def short(digest: str) -> str:
    """The part of a digest that folders and files are called by: 16 hexadecimal digits."""
    return digest.removeprefix("sha256:")[:16]
