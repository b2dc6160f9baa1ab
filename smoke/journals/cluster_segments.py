"""The records of one rollout in a cluster: ConfigMaps one after the other, each with a record under each of its keys.

One writer at a time, though a cluster has no lock: every write holds only for the edition that its writer read or wrote last. Who
takes the lease leaves its own word in the last ConfigMap before it writes, which makes that another edition. Before a writer
begins the next ConfigMap it says so in the last one, under the same condition; then only one can make the next, whose name is
known. So the first write of somebody who was deposed is refused, wherever it was stopped, and changes nothing.

A record has its key before it is sent. Sent twice, since an answer was lost, it is there once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from infra.contract import Json
from smoke.cluster import CONFIG_MAP
from smoke.errors import JournalError
from smoke.journals.cluster_place import READING, Place, annotation, decoded, edition
from smoke.journals.leasing import Tenure
from smoke.refusal import Refused
from smoke.seams import Record

PART = "journal"
LARGEST = 1 << 16
"""Bytes of records after which the next ConfigMap is begun: each append makes the server write the whole of it."""
_KEY = re.compile(r"\d{6}")


@dataclass(frozen=True, slots=True)
class Head:
    """The ConfigMap that is written to, as far as its writer must know it."""

    number: int
    edition: str = ""
    """Empty: it is not there yet."""
    count: int = 0
    """Records in it that are acknowledged."""
    size: int = 0
    """Their bytes."""

    @property
    def key(self) -> str:
        """Of the next record."""
        return f"{self.count + 1:06d}"

    @property
    def following(self) -> "Head":
        """The next one."""
        return Head(self.number + 1)

    def full(self, line: str) -> bool:
        """Whether the line belongs into the next one."""
        return self.count > 0 and self.size + len(line) > LARGEST


class Segments:
    """The ConfigMaps of one rollout."""

    def __init__(self, place: Place, rollout: str) -> None:
        self._place = place
        self._rollout = rollout
        self._labels = place.labels(rollout, PART)

    def name(self, number: int) -> str:
        """Of one of them."""
        return self._place.named(self._rollout, number)

    def records(self) -> Sequence[Record]:
        """Everything that was appended, in order.

        Raises:
            JournalError: one is damaged or missing, and what follows was decided on it.
        """
        found = self._sorted(self._place.looked(self._labels, READING))
        records: list[Record] = []
        for place, (number, document) in enumerate(found, 1):
            if number != place:
                raise self._damaged(f"ConfigMap {self.name(place)} of the journal is missing", place, "")
            data = document.get("data") or {}
            for count, key in enumerate(sorted(data), 1):
                record = decoded(data[key]) if key == f"{count:06d}" else None
                if record is None:
                    raise self._damaged(f"record {count:06d} of {self.name(number)} is damaged", number, f"{count:06d}")
                records.append(record)
        return records

    def fence(self, tenure: Tenure, *, begin: bool) -> Head | None:
        """Keep everybody out who had the lease before; returns where the next record belongs.

        Args:
            tenure: of the lease.
            begin: whether to make the first ConfigMap of a rollout that has none; else that is None.

        Raises:
            Deposed: another one took the lease.
        """
        while True:
            found = self._sorted(self._place.looked(self._labels, bare=True))
            tenure.confirm()  # whoever takes it after this moment makes another edition of what was found before it
            number, last = found[-1] if found else (0, None)
            if last is None and not begin:
                return None
            head = self._next(tenure, number + 1) if last is None or _sealed(last) else self._mine(tenure, number, last)
            if head is not None:
                return head

    def _mine(self, tenure: Tenure, number: int, last: Mapping[str, Any]) -> Head | None:
        document = {"metadata": {"resourceVersion": edition(last), "annotations": {"crossfade/writer": tenure.writer}}}
        try:
            return _head(number, self._place.patiently(lambda: self._patch(number, document)))
        except Refused as error:
            if error.status in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
                return None  # it is another by now
            raise

    def _next(self, tenure: Tenure, number: int) -> Head | None:
        made = self._place.made(self.name(number), self._document(tenure, {}))
        if made is None:
            return None
        tenure.confirm()  # whoever takes it after this moment finds what was made before it
        return _head(number, made)

    # What its writer does

    def put(self, tenure: Tenure, head: Head, line: str) -> Head:
        """Write the next record.

        Raises:
            Deposed: another one took the lease.
        """
        while True:
            data = {head.key: line}
            if head.edition:
                document = {"metadata": {"resourceVersion": head.edition}, "data": data}
                written = self._changed(head, document)
            else:
                written = self._place.made(self.name(head.number), self._document(tenure, data))
            if written is not None:
                return _after(head, edition(written), line)
            now, found = self._looked(tenure, head)
            if now.number == head.number and found == line:
                return _after(head, now.edition, line)
            head = now

    def seal(self, tenure: Tenure, head: Head) -> Head:
        """Say that the next ConfigMap follows; returns that.

        Raises:
            Deposed: another one took the lease.
        """
        number = head.number
        while head.number == number:
            metadata = {"resourceVersion": head.edition, "annotations": {"crossfade/sealed": "true"}}
            # What an append that failed may have left behind goes.
            document = {"metadata": metadata, "data": {head.key: None}}
            head = head.following if self._changed(head, document) is not None else self._looked(tenure, head)[0]
        return head

    def _changed(self, head: Head, document: Mapping[str, Any]) -> Json | None:
        try:
            return self._place.patiently(lambda: self._patch(head.number, document, bare=True))
        except Refused as error:
            if error.status == HTTPStatus.CONFLICT:
                return None
            raise

    def _looked(self, tenure: Tenure, head: Head) -> tuple[Head, str | None]:
        """Where the next record belongs, after a write that was refused, and what is there already.

        It was written and the answer was lost, or it is another writer's by now, or somebody changed its labels.
        """
        document = self._place.patiently(lambda: self._place.cluster.get(CONFIG_MAP, self.name(head.number)))
        if annotation(document, "writer") != tenure.writer:
            raise tenure.deposed()
        found = (document.get("data") or {}).get(head.key)
        if _sealed(document):
            return head.following, None
        return replace(head, edition=edition(document)), found

    # How it is written

    def _patch(self, number: int, document: Mapping[str, Any], *, bare: bool = False) -> Json:
        return self._place.cluster.patch(CONFIG_MAP, self.name(number), document, bare=bare)

    def _document(self, tenure: Tenure, data: Mapping[str, str]) -> dict[str, Any]:
        return {"metadata": self._place.metadata(self._labels, writer=tenure.writer), "data": data}

    def _sorted(self, documents: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
        """By their numbers; a copy that somebody keeps under another name is passed over."""
        numbered = [(number_of(each, self.name(0)[:-1]), each) for each in documents]
        return sorted(((number, each) for number, each in numbered if number), key=lambda pair: pair[0])

    def _damaged(self, what: str, number: int, key: str) -> JournalError:
        labels = ",".join(f"{label}={value}" for label, value in self._labels.items())
        copy = f"{self._place.kubectl('get', 'configmaps', '-l', labels, '-o', 'yaml')} > copy.yaml"
        edit = f"{self._place.kubectl('edit', 'configmap', self.name(number))}   # remove {key} and all that follow"
        rest = f"remove the ConfigMaps from {self.name(number + 1 if key else number)} on, and run `crossfade abort`"
        hint = "\n".join([f"keep a copy: {copy}", *([edit] if key else []), rest])
        return JournalError(what, self._place.where(CONFIG_MAP, self.name(number)), hint=hint)


def number_of(document: Mapping[str, Any], prefix: str) -> int:
    """The number at the end of an object's name; 0 where it is none of ours."""
    name = str(document["metadata"]["name"])
    digits = name.removeprefix(prefix)
    return int(digits) if name != digits and re.fullmatch(r"[1-9]\d{0,8}", digits) else 0


def _sealed(document: Mapping[str, Any]) -> bool:
    return annotation(document, "sealed") == "true"


def _head(number: int, document: Mapping[str, Any]) -> Head:
    data = {key: value for key, value in (document.get("data") or {}).items() if _KEY.fullmatch(key)}
    return Head(number, edition(document), max(map(int, data), default=0), sum(map(len, data.values())))


def _after(head: Head, edition: str, line: str) -> Head:
    return replace(head, edition=edition, count=head.count + 1, size=head.size + len(line))
