"""Evidence in one chain: each link has the hash of the one before, so that nothing is taken out, put in or changed unseen. Pure.

It shows a change, and does not prevent one: whoever may write the file may write all of it anew. The last hash, kept elsewhere,
as in a report that was sent, is what shows that too.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from smoke.evidence.item import Evidence

FIRST = "0" * 64
"""What comes before the first link."""


class Broken(Exception):
    """The chain is not what was written; says at which link, from 1 on, and why."""

    def __init__(self, link: int, why: str) -> None:
        super().__init__(f"evidence {link}: {why}")
        self.link = link


def linked(evidence: Evidence, before: str) -> Mapping[str, Any]:
    """The record of a link that follows the one with that hash."""
    body = {**evidence.to_json(), "before": before}
    return {**body, "hash": _hash(body)}


def chained(records: Sequence[Mapping[str, Any]]) -> tuple[Evidence, ...]:
    """The evidence of a chain, oldest first.

    Raises:
        Broken: a link is not what was written.
    """
    found, before = [], FIRST
    for number, record in enumerate(records, start=1):
        body = {name: value for name, value in record.items() if name != "hash"}
        if body.pop("before", None) != before:
            raise Broken(number, "it does not follow the one before: something was taken out, or put in")
        if _hash({**body, "before": before}) != record.get("hash"):
            raise Broken(number, "it was changed after it was written")
        try:
            found.append(Evidence.from_json(body))
        except (LookupError, TypeError, ValueError) as error:
            raise Broken(number, f"another version of Crossfade wrote it: {error!r}") from error
        before = str(record["hash"])
    return tuple(found)


def _hash(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
