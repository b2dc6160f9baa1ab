"""The gates of a stack's settings, and the release that they are asked of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smoke.errors import NoSuchStack
from smoke.evidence import Evidence, Gate, Standing, Waiver, stand
from smoke.gating import Command
from smoke.wiring import Site


@dataclass(frozen=True, slots=True)
class Gates:
    """What there is to ask."""

    commands: Mapping[str, Command]
    """By the gate's name, in the order of the settings."""
    waivers: Sequence[Waiver]
    release: str
    """Fingerprint of what the settings ask for in the idle slot."""
    where: str
    """The settings file."""

    def stand(self, gate: Gate, evidence: Sequence[Evidence], now: float) -> Standing:
        """How a gate stands for that release."""
        return stand(gate, evidence, self.release, now, self.waivers)


def gates_of(site: Site, settings: Mapping[str, Any]) -> Gates:
    """The gates that the settings have."""
    checks = settings["checks"]
    commands = {
        name: Command(Gate(name, each["phase"], each["wanted"], each["service"], each["fresh"]), each["command"], each["limit"])
        for name, each in checks["gates"].items()
    }
    waivers = [Waiver(**each) for each in checks["waivers"]]
    return Gates(commands, waivers, _release(site, settings), str(site.project.settings(site.name)))


def _release(site: Site, settings: Mapping[str, Any]) -> str:
    """What is asked for in the slot that is not live; of a stack that was never brought up, that does not begin."""
    try:
        live = site.history().live(site.contract)
    except NoSuchStack:
        live = settings["start"]
    releases: Mapping[str, str] = settings["releases"]
    return next((release for slot, release in sorted(releases.items()) if slot != live), releases.get(live, ""))
