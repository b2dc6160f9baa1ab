"""What a lease of ours says, and how a cluster's Lease says it. Pure.

A cluster has fields of its own for who has a lease and for how long; what else must be known of its owner is an annotation.
"""

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from smoke.journals.cluster_place import annotation, edition
from smoke.journals.lease import LEASE
from smoke.journals.owner import Owner
from smoke.seams import Holder

_LAST = 1 << 40
"""No time is as late as that."""
_IDENTITY = re.compile(r"(.*)@(.*):([1-9]\d{0,9}):(.*)")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a lease says."""

    edition: str
    token: int
    """Its transitions: greater than at any taking before."""
    owner: Owner | None
    """None: it was given back."""
    since: float
    """Wall time of its owner, for people."""
    until_wall: float
    """The same of its end."""
    until: float
    """Monotonic time of the machine that the owner runs on."""
    duration: float
    """Seconds that it runs after a renewal."""
    taking: str
    """A word that no other taking has."""
    rollouts: tuple[str, ...] | None
    """Those that its owner, and whoever it was taken from, may have been writing to. None: it does not say."""
    mark: str
    """Another after each renewal."""

    @property
    def holder(self) -> Holder | None:
        """Its owner, for people."""
        its = self.owner
        return None if its is None else Holder(its.user, its.host, its.pid, self.since, self.token)

    @property
    def who(self) -> str:
        """Its owner, in words."""
        its = self.owner
        return f"{its.user}@{its.host}, process {its.pid}, since {at(self.since)}" if its else "it has ended since"

    def before(self, known: Sequence[str]) -> Sequence[str]:
        """Those that somebody may be writing to: where it does not say, all that are known."""
        return known if self.rollouts is None else self.rollouts

    def spec(self, now: float, wall: float) -> dict[str, Any]:
        """The cluster's own fields, at this monotonic and wall time."""
        return {
            "holderIdentity": _identity(self.owner) if self.owner else "",
            "leaseDurationSeconds": max(1, math.ceil(self.until - now)),
            "acquireTime": _date(self.since),
            "renewTime": _date(wall),
            "leaseTransitions": self.token,
        }

    def writer(self) -> str:
        """The annotation ``writer``."""
        owner = asdict(self.owner) if self.owner else None
        return json.dumps({"owner": owner, "until": self.until, "taking": self.taking, "rollouts": self.rollouts})


def claim_of(document: Mapping[str, Any]) -> Claim:
    """What a Lease says, whoever wrote it: the server sees to the kinds in its ``spec`` alone."""
    spec, text = document.get("spec") or {}, annotation(document, "writer")
    said = _said(text)
    identity = spec.get("holderIdentity") or ""
    duration = float(spec.get("leaseDurationSeconds") or LEASE)
    rollouts, until = said.get("rollouts"), said.get("until")
    return Claim(
        edition(document),
        spec.get("leaseTransitions") or 0,
        _owner(said, identity) if identity else None,
        _seconds(spec.get("acquireTime")),
        _seconds(spec.get("renewTime")) + duration,
        float(until) if isinstance(until, int | float) and 0 <= until < _LAST else 0.0,
        duration,
        str(said.get("taking") or ""),
        tuple(map(str, rollouts)) if isinstance(rollouts, list) else None,
        f"{json.dumps(spec, sort_keys=True)} {text}",
    )


def _identity(owner: Owner) -> str:
    return f"{owner.user}@{owner.host}:{owner.pid}:{owner.boot}"


def _said(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _owner(said: Mapping[str, Any], identity: str) -> Owner:
    """The process that is meant; where that is not said in full, one on a machine that nobody knows."""
    try:
        owner = Owner(**said["owner"])
    except (TypeError, KeyError):
        owner = None
    if owner is not None and owner.sound and _identity(owner) == identity:
        return owner
    match = _IDENTITY.fullmatch(identity)
    return Owner(match[1], match[2], int(match[3]), "", "", 0) if match else Owner(identity, "", 0, "", "", 0)


def _date(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds")


def _seconds(date: str | None) -> float:
    return datetime.fromisoformat(date).timestamp() if date else 0.0


def at(wall: float) -> str:
    """A wall time, for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
