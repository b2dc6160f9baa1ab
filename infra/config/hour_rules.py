"""What must hold within windows and freezes, and the time zones that this machine knows."""

import difflib
from collections.abc import Iterator
from zoneinfo import ZoneInfo, available_timezones

from infra.config.document import Document, Keys
from infra.config.faults import Fault, paste
from infra.config.hours import Zoned
from infra.config.settings import Settings


def hour_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    """Every fault of every window and freeze."""
    for name, group in (("windows", settings.plan.windows), ("freezes", settings.plan.freezes)):
        for index, each in enumerate(group):
            yield from _zone(each, document, ("plan", name, index, "zone"))
    for index, freeze in enumerate(settings.plan.freezes):
        keys: Keys = ("plan", "freezes", index)
        if freeze.begins >= freeze.ends:
            yield _backward(document, keys, swapped=freeze.begins > freeze.ends)


def _zone(zoned: Zoned, document: Document, keys: Keys) -> Iterator[Fault]:
    try:
        ZoneInfo(zoned.zone)
    except (LookupError, ValueError, OSError):
        what, where = f"there is no time zone {zoned.zone}", document.where(keys)
        known = available_timezones()
        if not known:
            yield Fault(what, where, "this machine has no tz database", "apt-get install tzdata")
            return
        near = difflib.get_close_matches(zoned.zone, known, n=1) or ["Europe/Berlin"]
        cause = "it is not in the tz database of this machine, which has UTC, and names as Europe/Berlin"
        yield Fault(what, where, cause, paste(document, keys, near[0]))


def _backward(document: Document, keys: Keys, *, swapped: bool) -> Fault:
    written = document.at(keys)
    begins, ends = written["from"], written["until"]
    better = {**written, "from": ends, "until": begins} if swapped else {**written, "until": begins.strip()[:10]}
    cause = f"it is from {begins} until {ends}; a last day is a part of it, a last minute is not"
    return Fault("a freeze ends before it begins", document.where((*keys, "until")), cause, paste(document, keys, better))
