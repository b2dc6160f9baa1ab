"""The gates of a stack's settings, and the release that they are asked of."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smoke.errors import Forbidden, NoSuchStack, UsageError
from smoke.evidence import Evidence, Gate, Standing, Waiver, stand
from smoke.gating import Command
from smoke.rollout.opening import in_question
from smoke.wiring import Site


@dataclass(frozen=True, slots=True)
class Gates:
    """What there is to ask."""

    commands: Mapping[str, Command]
    """By the gate's name, in the order of the settings."""
    waivers: Sequence[Waiver]
    release: str
    """Fingerprint of what they are asked of."""
    where: str
    """The settings file."""

    def command(self, name: str) -> Command:
        """What answers that gate.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self.commands:
            there = ", ".join(self.commands) or "none"
            raise UsageError(f"there is no gate {name}", where=self.where, hint=f"there are {there}")
        return self.commands[name]

    def stand(self, gate: Gate, evidence: Sequence[Evidence], now: float) -> Standing:
        """How a gate stands for that release."""
        return stand(gate, evidence, self.release, now, self.waivers)


def gates_of(site: Site, settings: Mapping[str, Any], release: str | None = None) -> Gates:
    """The gates that the settings have, for a release; None: the one that they ask for in the idle slot."""
    checks = settings["checks"]
    commands = {
        name: Command(Gate(name, each["phase"], each["wanted"], each["service"], each["fresh"]), each["command"], each["limit"])
        for name, each in checks["gates"].items()
    }
    waivers = [Waiver(**each) for each in checks["waivers"]]
    return Gates(
        commands, waivers, _release(site, settings) if release is None else release, str(site.project.settings(site.name))
    )


def preflight(site: Site, settings: Mapping[str, Any], release: str, because: str) -> None:
    """Refuse to promote a release before the gates of every phase that the settings require are open, unless it is said why.

    Raises:
        Forbidden: one is not; names each.
        JournalError: what is kept of them cannot be believed.
    """
    required = settings["checks"]["requires"]
    if not required:
        return
    gates, evidence, now = gates_of(site, settings, release), site.evidence.all(), site.clock.wall()
    asked = [each.gate for each in gates.commands.values() if each.gate.phase in required]
    standings = [gates.stand(gate, evidence, now) for gate in asked]
    shut = [each for each in standings if not each.open]
    if shut and not because:
        raise Forbidden(
            f"{len(shut)} of {len(asked)} gates of {', '.join(required)} are not open",
            where=gates.where,
            cause="\n".join(f"{each.gate.id} is {each.state.value}: {each.why}" for each in shut),
            hint=f"crossfade check {' '.join(each.gate.id for each in shut)}\nor, recorded: crossfade promote --because WHY",
        )
    for each in shut:
        sys.stderr.write(f"{each.gate.id} is {each.state.value}, and passed over: {because}\n")


def _release(site: Site, settings: Mapping[str, Any]) -> str:
    """What is asked for in the slot that is not live, or what went live; of a stack that was never brought up, as if it began."""
    asked: Mapping[str, str] = settings["releases"]
    try:
        return in_question(site.contract, site.history(), asked)
    except NoSuchStack:
        start = settings["start"]
        return next((release for slot, release in sorted(asked.items()) if slot != start), asked.get(start, ""))
