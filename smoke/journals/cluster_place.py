"""Where a stack's journal is in a cluster: what its objects are called, and a server that is waited for when it is away."""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from infra.contract import Json
from smoke.cluster import CONFIG_MAP, STACK_LABEL, Cluster, Kind
from smoke.errors import JournalError
from smoke.refusal import Refused, Unreached
from smoke.seams import Clock, Record

T = TypeVar("T")
ROLLOUT_LABEL = "crossfade/rollout"
PART_LABEL = "crossfade/part"
"""Label that tells the ConfigMaps of a rollout apart: ``journal`` or ``request``."""
_OURS = {"app.kubernetes.io/managed-by": "crossfade"}
PATIENCE = 30.0
"""Seconds that a server may be away before it is said: as long as a driver tries whatever else it does."""
READING = 5.0
"""The same for those who only look: a person waits."""
_PAUSE = 0.1
_RIGHTS = "a role that may get, list, create and patch configmaps, and get, create and patch leases of coordination.k8s.io"


class Place:
    """A stack's objects in one namespace."""

    def __init__(self, cluster: Cluster, stack: str, clock: Clock) -> None:
        self.cluster = cluster
        self.clock = clock
        self.stack = stack
        self._reach = cluster.reach

    def named(self, *words: str | int) -> str:
        """The name of one of them."""
        return "-".join(["crossfade", self.stack, *map(str, words)])

    def labels(self, rollout: str | None = None, part: str | None = None) -> dict[str, str]:
        """By what they are found."""
        known = {STACK_LABEL: self.stack, ROLLOUT_LABEL: rollout, PART_LABEL: part}
        return {key: value for key, value in known.items() if value is not None}

    def metadata(self, labels: Mapping[str, str], **annotations: str) -> dict[str, Any]:
        """What a new one has."""
        return {"labels": {**_OURS, **labels}, "annotations": {f"crossfade/{key}": value for key, value in annotations.items()}}

    def patiently(self, act: Callable[[], T], limit: float = PATIENCE) -> T:
        """What comes of it, from a server that may be away meanwhile.

        It may have been done where nobody said so, and be done again: what is not absolute must hold for one edition alone.

        Raises:
            Unreached: the server stayed away.
            Refused: it answers with a refusal.
        """
        end = self.clock.now() + limit
        while True:
            try:
                return act()
            except Unreached as error:
                pause = max(_PAUSE, error.after or 0.0)
                if not error.passing or self.clock.now() + pause > end:
                    raise
                self.clock.sleep(pause)

    def looked(self, labels: Mapping[str, str], limit: float = PATIENCE, *, bare: bool = False) -> list[Json]:
        """The ConfigMaps with these labels; raises as ``patiently``."""
        return self.patiently(lambda: self.cluster.list(CONFIG_MAP, labels, bare=bare), limit)

    def made(self, name: str, document: Mapping[str, Any], limit: float = PATIENCE) -> Json | None:
        """A ConfigMap that was not there; None where one is that has the same labels, as after an answer that was lost.

        Raises:
            JournalError: the name is taken by something else.
            Refused: the server refuses.
            Unreached: it stayed away.
        """
        try:
            return self.patiently(lambda: self.cluster.create(CONFIG_MAP, name, document), limit)
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        wanted, found = document["metadata"]["labels"], self.found(CONFIG_MAP, name, limit)
        if found is not None and not wanted.items() <= (found["metadata"].get("labels") or {}).items():
            raise self.taken(CONFIG_MAP, name)
        return None

    def found(self, kind: Kind, name: str, limit: float = PATIENCE) -> Json | None:
        """The object of that name; None where there is none. Raises as ``patiently``."""
        try:
            return self.patiently(lambda: self.cluster.get(kind, name), limit)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND and error.reason != "NoKind":
                return None
            raise

    # What is said

    @contextmanager
    def told(self, what: str, kind: Kind, name: str) -> Iterator[None]:
        """Whatever the cluster says becomes the journal's own error."""
        where = self.where(kind, name)
        try:
            yield
        except Unreached as error:
            hint = f"{self.kubectl('get', kind.plural)}   # it must answer"
            raise JournalError(what, where, f"the API server does not answer: {error}", hint) from error
        except Refused as error:
            lacks = error.status == HTTPStatus.FORBIDDEN
            hint = _RIGHTS if lacks else self.kubectl("get", kind.plural, "-l", f"{STACK_LABEL}={self.stack}")
            raise JournalError(what, where, str(error), hint) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise JournalError(what, where, f"the server answers what is no {kind.name}: {error!r}") from error

    def taken(self, kind: Kind, name: str) -> JournalError:
        """Somebody else's object has one of our names."""
        hint = f"{self.kubectl('get', kind.plural, name, '-o', 'yaml')}   # whose is it?"
        return JournalError(f"{kind.name} {name} is not Crossfade's", self.where(kind, name), "it has not its labels", hint)

    def where(self, kind: Kind, name: str) -> str:
        """An object, for people."""
        context = f" of context {self._reach.context}" if self._reach.context else ""
        return f"{kind.name} {self._reach.namespace}/{name}{context}"

    def kubectl(self, *words: str) -> str:
        """A command for people."""
        context = ["--context", self._reach.context] if self._reach.context else []
        return " ".join(["kubectl", *context, "-n", self._reach.namespace, *words])


def annotation(document: Mapping[str, Any], name: str) -> str:
    """What an object says under one of our names; empty where it says nothing."""
    return str((document["metadata"].get("annotations") or {}).get(f"crossfade/{name}", ""))


def edition(document: Mapping[str, Any]) -> str:
    """What is another after each change of an object."""
    return str(document["metadata"]["resourceVersion"])


def encoded(record: Record) -> str:
    """A record as one line, as a folder's journal has it: checksum, space, JSON."""
    text = json.dumps(record, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x} {text}"


def decoded(line: str) -> Record | None:
    """What a line says; None for one that is damaged."""
    checksum, _, text = line.partition(" ")
    if checksum != f"{zlib.crc32(text.encode(errors='replace')):08x}":
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, Mapping) else None
