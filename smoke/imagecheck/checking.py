"""Checks every image of a slot, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.contract import Contract, Placement
from smoke.docker import Docker
from smoke.errors import UsageError
from smoke.imagecheck.engine import Engine, Silent, has_check
from smoke.imagecheck.findings import Finding, ImageReport, Insight, Picture, judged


def checked(contract: Contract, slot: str) -> ImageReport:
    """What is true of the images that a slot's containers were made from; takes about half a minute a service.

    Raises:
        UsageError: the stack has no containers.
        DeployError: an engine does not answer, or has not what the contract says.
    """
    placements = [service.placements[slot] for service in contract.services if slot in service.placements]
    if not placements or not all(each.container and each.daemon for each in placements):
        raise UsageError(
            f"stack {contract.stack} has no images in slot {slot}",
            where=f"{contract.stack} · crossfade:target",
            cause=f"images are what the target docker is made of, and this one is {contract.target}",
            hint="crossfade smoke asks what runs there",
        )
    other = next((each for each in sorted(contract.releases) if each != slot), None)
    gallery = _Gallery()
    findings = [each for placement in placements for each in _of(gallery, placement, _beside(contract, placement, other))]
    return ImageReport(contract.stack, slot, other, tuple(findings))


def _of(gallery: "_Gallery", placement: Placement, other: Placement | None) -> Iterator[Finding]:
    own = gallery.picture(placement)
    beside = None if other is None else gallery.picture(other)
    engine = gallery.engine(placement)
    ending = engine.ending(engine.inspect("container", str(placement.container)))
    yield from judged(placement.service, placement.runtime, own, beside, ending)


def _beside(contract: Contract, placement: Placement, other: str | None) -> Placement | None:
    found = contract.service(placement.service).placements.get(other or "")
    return found if found is not None and found.container else None


@dataclass(frozen=True, slots=True)
class _Gallery:
    """Engines, and what the images say: each is asked once, also where two containers are made from it."""

    _engines: dict[str, Engine] = field(default_factory=dict)
    _insights: dict[tuple[str, str], Insight | str] = field(default_factory=dict)

    def engine(self, placement: Placement) -> Engine:
        """The engine of a placement, once nothing is left in it of who checked before."""
        daemon = str(placement.daemon)
        if daemon not in self._engines:
            self._engines[daemon] = Engine(Docker(daemon))
            self._engines[daemon].sweep()
        return self._engines[daemon]

    def picture(self, placement: Placement) -> Picture:
        """The image of a placement's container."""
        engine = self.engine(placement)
        container = engine.inspect("container", str(placement.container))
        key = (engine.docker.daemon, container["Image"])
        if key not in self._insights:
            try:
                self._insights[key] = engine.insight(container)
            except Silent as error:
                self._insights[key] = str(error)
        said = self._insights[key]
        image = engine.inspect("image", container["Image"])
        seen, why = (None, said) if isinstance(said, str) else (said, "")
        user = str((image.get("Config") or {}).get("User") or "")
        return Picture(container["Image"], int(image["Size"]), has_check(container), seen, why, user)
