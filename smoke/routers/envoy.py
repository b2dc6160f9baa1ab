"""The local proxy: weights by an atomic move into the folder it watches, confirmed by what it says it serves."""

import json
import os
import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from infra.contract import Json, RouteError, route_document, weights_in
from infra.contract.route import AFFINITY, cluster
from smoke.admin import Unanswered, ask
from smoke.ballast import hold_back, with_room
from smoke.errors import RouterError
from smoke.settings import check, is_flag, is_seconds, is_text

_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.02
_COUNT = re.compile(r"\d{1,20}")


@dataclass(frozen=True, slots=True)
class Served:
    """What the proxy says it serves of one service."""

    version: str
    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """What the proxy's counters say of one service."""

    slots: frozenset[str]
    """Slots that have a cluster."""
    rejections: int
    """Route documents that were turned down so far."""
    taken: str = ""
    """Version of the last one that was not."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one service's route."""

    service: str
    file: Path
    """The route file that the proxy watches."""
    admin: str
    """Unix socket of the proxy's admin."""
    sticky: bool = False
    affinity: int = AFFINITY
    """Seconds that a browser is kept on its slot."""
    timeout: float = 2.0
    """Seconds that the proxy has to serve what was written."""

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        check(
            "router envoy",
            settings,
            {"service": is_text, "file": is_text, "admin": is_text},
            {"sticky": is_flag, "affinity": _is_whole, "timeout": is_seconds},
            "it has: service, file, admin (texts), sticky (true or false), affinity (whole seconds), timeout (seconds)",
        )
        affinity = int(settings.get("affinity", AFFINITY))
        return cls(**{**settings, "file": Path(settings["file"]), "affinity": affinity})


def _is_whole(value: Json) -> bool:
    # Numbers may come through a form that has no whole ones: 3600.0 is one.
    return is_seconds(value) and value == int(value)


class EnvoyRouter:
    """Writes and reads the weights of one service at one proxy."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = Settings.of(settings)

    def write(self, weights: Mapping[str, int], keep: Collection[str] = ()) -> None:
        """Make these the weights, and keep these. Costs no move where the proxy serves them and the file says the same.

        The file is replaced even when the proxy cannot be asked: it serves what is in there as soon as it can.
        """
        written = self._written()
        document = self._document(weights, keep, _next_version(written))
        served, stats = self._look()
        self._check_slots(weights, keep, _slots(served, stats, written))
        if served and written and _same(document, written) and served == Served(_version(written), dict(weights)):
            return
        try:
            folder, text = self._settings.file.parent, json.dumps(document, indent=1)
            with_room(folder, lambda: _replace(self._settings.file, text))
            hold_back(folder)
        except OSError as error:
            cause = f"{self._settings.file}: {error.strerror}"
            raise RouterError(f"{self._settings.service}: the route file was not written", cause=cause) from error
        self._confirm(Served(_version(document), dict(weights)), stats)

    def read(self) -> Mapping[str, int]:
        """Percent by slot that the proxy serves; the file is not looked at."""
        try:
            return self._served().weights
        except (Unanswered, RouteError) as error:
            what = f"{self._settings.service}: the proxy does not say which weights it serves"
            raise RouterError(what, cause=str(error)) from error

    # What is, in the file and in the proxy

    def _written(self) -> Json | None:
        """The document in the file, or None where it is not one of ours: it will be replaced in any case."""
        try:
            document = json.loads(self._settings.file.read_bytes())
            weights_in(document)
        except (OSError, ValueError, RecursionError):
            return None
        return document if isinstance(document.get("version_info"), str) else None

    def _served(self) -> Served:
        name = quote(f"^{re.escape(self._settings.service)}$", safe="")
        dump = self._ask(f"/config_dump?resource=dynamic_route_configs&name_regex={name}")
        return served_in(dump, self._settings.service)

    def _look(self) -> tuple[Served | None, Stats | None]:
        """What is served and counted; None for what cannot be known."""
        served = stats = None
        with suppress(Unanswered, RouteError):
            served = self._served()
        with suppress(Unanswered):
            stats = self._stats()
        return served, stats

    def _stats(self) -> Stats:
        service, prefix = re.escape(self._settings.service), cluster(self._settings.service, "")
        route = rf"\.rds\.{service}\.(update_(failure|rejected)|version_text)"
        pattern = rf"^cluster\.{re.escape(prefix)}[^.]+\.membership_total$|{route}$"
        return stats_in(self._ask(f"/stats?filter={quote(pattern, safe='')}"), prefix)

    def _ask(self, query: str) -> str:
        return ask(self._settings.admin, query, limit=self._settings.timeout)

    # What is wanted

    def _document(self, weights: Mapping[str, int], keep: Collection[str], version: str) -> Json:
        ours = self._settings
        try:
            return route_document(ours.service, weights, version=version, keep=keep, sticky=ours.sticky, affinity=ours.affinity)
        except RouteError as error:
            raise RouterError(f"{ours.service}: {error}; nothing was written") from error

    def _check_slots(self, weights: Mapping[str, int], keep: Collection[str], known: Mapping[str, bool]) -> None:
        """Refuse a slot that the proxy has no cluster for: it would take the document, and answer 503."""
        reached = {*keep, *(slot for slot, weight in weights.items() if weight)}
        unknown = sorted(
            slot for slot in {*weights, *keep} if not known.get(slot, not known) and (slot in reached or slot not in known)
        )
        if unknown:
            what = f"{self._settings.service}: no slot {', '.join(unknown)} in {', '.join(sorted(known))}; nothing was written"
            raise RouterError(what)

    def _confirm(self, wanted: Served, before: Stats | None) -> None:
        deadline = time.monotonic() + self._settings.timeout
        pause = _FIRST_PAUSE
        seen: Served | str = "nothing"
        while time.monotonic() < deadline:
            try:
                seen = self._served()
            except (Unanswered, RouteError) as error:
                seen = str(error)
            if seen == wanted or self._took(wanted, seen):
                return
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise self._unconfirmed(wanted, seen, before)

    def _took(self, wanted: Served, seen: Served | str) -> bool:
        """Whether it took a document that says what it serves already: then it goes on to serve that under the older version."""
        if isinstance(seen, str) or seen.weights != wanted.weights:
            return False
        with suppress(Unanswered):
            return self._stats().taken == wanted.version
        return False

    def _unconfirmed(self, wanted: Served, seen: Served | str, before: Stats | None) -> RouterError:
        service, share = self._settings.service, dict(wanted.weights)
        if isinstance(seen, str):
            return RouterError(f"{service}: {share} is written, not confirmed", cause=seen)
        cause = f"no answer within {self._settings.timeout:g} s"
        with suppress(Unanswered):
            if before and self._stats().rejections > before.rejections:
                cause = "the proxy turned the document down; its log says why"
        state = f"the proxy serves {dict(seen.weights)} (version {seen.version})"
        return RouterError(f"{service}: {share} is written, but {state}", cause=cause)


def served_in(text: str, service: str) -> Served:
    """What a configuration dump says of the service's route.

    Raises:
        RouteError: it does not have that route, or not in our shape.
    """
    try:
        found = [each for each in json.loads(text).get("configs", []) if each["route_config"]["name"] == service]
        version, configuration = str(found[0]["version_info"]), found[0]["route_config"]
        weights = weights_in(configuration)
        names = {str(each["name"]) for route in configuration["virtual_hosts"][0]["routes"] for each in _weighted(route)}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RouteError(f"the proxy has no route {service}: {error!r}") from error
    if names != {cluster(service, slot) for slot in weights}:
        raise RouteError(f"the route {service} leads to {', '.join(sorted(names))}")
    return Served(version, weights)


def _weighted(route: Json) -> list[Json]:
    return list(route["route"].get("weighted_clusters", {}).get("clusters", []))


def stats_in(text: str, prefix: str) -> Stats:
    """What the counters say, in the admin's text form; lines that are of another form are passed over."""
    slots: set[str] = set()
    rejections, taken = 0, ""
    for line in text.splitlines():
        name, _, value = line.rpartition(": ")
        if name.startswith(f"cluster.{prefix}"):
            slots.add(name.split(".")[1].removeprefix(prefix))
        elif name.endswith(".version_text"):
            taken = value.strip('"')
        elif _COUNT.fullmatch(value):
            rejections += int(value)
    return Stats(frozenset(slots), rejections, taken)


def _slots(served: Served | None, stats: Stats | None, written: Json | None) -> Mapping[str, bool]:
    """Slots that are known here, and whether each can take traffic; empty where nothing is known."""
    named = served.weights if served else {} if stats else weights_in(written) if written else {}
    clusters = stats.slots if stats and stats.slots else frozenset(named)
    return {slot: slot in clusters for slot in {*named, *clusters}}


def _version(document: Json) -> str:
    return str(document["version_info"])


def _same(one: Json, other: Json) -> bool:
    return {**one, "version_info": ""} == {**other, "version_info": ""}


def _next_version(written: Json | None) -> str:
    """Nanoseconds since 1970 and the writer: later writes sort later, also when the clock was set back, and no two are equal."""
    stamp = _version(written).partition(".")[0] if written else ""
    previous = int(stamp) if _COUNT.fullmatch(stamp) else 0
    return f"{max(time.time_ns(), previous + 1):020d}.{os.getpid()}"


def _replace(file: Path, text: str) -> None:
    """Replace the file as a whole: whoever reads it sees the old text or the new one, also after the machine went down."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            with suppress(FileNotFoundError):
                os.fchmod(out.fileno(), file.stat().st_mode & 0o777)
            os.fsync(out.fileno())
        draft.rename(file)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
