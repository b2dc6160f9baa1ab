"""The lease of a stack as an object in a bucket, and the proof that the bucket keeps conditions: all else rests on them."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from smoke.errors import JournalError
from smoke.journals.cluster_claim import Claim
from smoke.journals.cluster_place import PATIENCE
from smoke.journals.lease import LEASE
from smoke.journals.leasing import Leases
from smoke.journals.owner import Owner
from smoke.journals.s3_place import Place

NAME = "lease.json"
_ANOTHER = f'"{"0" * 32}"'
"""An edition that no object has."""
_LAST = 1 << 40
"""No time and no token is as late as that."""
_NOBODY = Owner("somebody", "", 0, "", "", 0)
"""Whose lease it is where that cannot be read: of a machine that nobody knows."""


class S3Lease(Leases):
    """The lease of one stack."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._key = place.name.key(NAME)
        super().__init__(place.clock, place.where(self._key))

    def read(self, limit: float = PATIENCE) -> Claim | None:
        """What it says; None where there is none."""
        found = self._place.get(self._key, limit)
        return None if found is None else claim_of(*found)

    def write(self, claim: Claim, limit: float = PATIENCE) -> Claim | None:
        """Make it say this, on condition that it is of that edition still, or is not there; None where it is not so.

        Raises:
            JournalError: the first one is not made where conditions are not kept.
        """
        if not claim.edition:
            self._prove()
        text = said(claim, self.clock.now(), self.clock.wall())
        edition = self._place.put(self._key, text, claim.edition, limit)
        return None if edition is None else claim_of(edition, text)

    def _prove(self) -> None:
        """See whether the bucket keeps conditions: there are services that pay no heed to them."""
        key = self._place.name.key("probes", f"{uuid.uuid4().hex}.json")
        edition = self._place.put(key, "1")
        if edition is None:
            edition = (self._place.get(key) or ("",))[0]  # the answer was lost
        if self._place.put(key, "2") is not None or self._place.put(key, "2", _ANOTHER) is not None:
            raise self._lawless("it overwrites what is there, although the request says: only if it is not")
        if self._place.put(key, "3", edition) is None and (self._place.get(key) or ("", ""))[1] != "3":
            raise self._lawless("it does not overwrite what is there, although the request says: only if it is of that edition")

    def _lawless(self, cause: str) -> JournalError:
        hint = "name a bucket whose service knows conditional writes (If-None-Match, If-Match): Amazon S3 does"
        what = f"bucket {self._place.name.bucket} does not keep conditions of writes: two could drive at once"
        return JournalError(what, self._place.where(self._key), cause, hint)


def said(claim: Claim, now: float, wall: float) -> str:
    """The object of a lease, at this monotonic and wall time."""
    document = {
        "token": claim.token,
        "owner": asdict(claim.owner) if claim.owner else None,
        "since": claim.since,
        "until": claim.until,
        "until_wall": wall + claim.until - now,
        "duration": max(LEASE, claim.until - now),
        "taking": claim.taking,
        "rollouts": claim.rollouts,
    }
    return json.dumps(document, indent=1)


def claim_of(edition: str, text: str) -> Claim:
    """What a lease says. One that was changed by hand and cannot be read is somebody's, for the length of a lease."""
    damaged = Claim(edition, 0, _NOBODY, 0.0, 0.0, 0.0, LEASE, "", None, edition)
    try:
        known = json.loads(text)
        times = [known[each] for each in ("since", "until_wall", "until", "duration")]
        owner = None if known["owner"] is None else Owner(**known["owner"])
        rollouts = tuple(known["rollouts"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return damaged
    if not _sound(known, times, owner, rollouts):
        return damaged
    since, until_wall, until, duration = map(float, times)
    return Claim(edition, known["token"], owner, since, until_wall, until, duration, known["taking"], rollouts, edition)


def _sound(known: Mapping[str, Any], times: list[Any], owner: Owner | None, rollouts: tuple[Any, ...]) -> bool:
    """Whether everything is of its kind."""
    in_time = all(type(each) in {int, float} and 0 <= each < _LAST for each in times)
    token = type(known["token"]) is int and 0 <= known["token"] < _LAST
    words = all(type(each) is str for each in (known.get("taking"), *rollouts))
    return in_time and token and words and (owner is None or owner.sound)
