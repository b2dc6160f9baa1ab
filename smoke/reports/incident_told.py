"""An incident in words: the facts that every form has, Markdown for people and a document for machines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from smoke.redaction import redacted
from smoke.reports.incident import Incident, Seen, Trigger
from smoke.reports.markdown import table
from smoke.reports.telling import EVIDENCE, WEIGHED, Entry, date, entries, happened, shares, weighed, zone
from smoke.rollout import Event, Phase
from smoke.rollout.record import to_record

UNMEASURED = "not measured"
_AGAIN = 'crossfade promote --again "why it is worth another try"'
_BAR = 20
"""Characters of a bar that is 100 %."""
_SHORT = 10.0
"""Seconds below which hundredths are told."""
_LOUD = str.maketrans({"<": "&lt;", "|": "\\|", "[": "\\[", "\\": "\\\\", "`": "'"})
_TRIGGERS: Mapping[Trigger, str] = {
    Trigger.VERDICT: "a gate that failed, or a limit of the plan",
    Trigger.PERSON: "a person",
    Trigger.ABSENCE: "the dead man's rule: nobody drove it",
    Trigger.REVERT: "a person, after the promotion",
}


def headline(found: Incident) -> str:
    """What happened, in a sentence."""
    if found.trigger is Trigger.REVERT:
        return f"{found.given_up} was left for {found.kept}, which was live before."
    at = f"{found.share} %" if found.setting is None else f"{found.share} %, while {found.setting} % was being set"
    ending = "not all traffic is known to be back" if found.home is None else f"all traffic is on {found.kept}"
    return f"{found.given_up} was given up at {at}; {ending}."


def facts(found: Incident) -> Sequence[tuple[str, str]]:
    """What every form says of it: ``(name, text)``."""
    opened, weights = found.rollout.opened, " / ".join(f"{share} % {slot}" for slot, share in found.weights.items())
    return [
        ("trigger", _TRIGGERS[found.trigger]),
        ("because", redacted("; ".join(found.because))),
        ("decided", f"{date(found.decided)} {zone(found.decided)}"),
        ("weights then", weights if found.setting is None else f"{weights}; {found.setting} % was being set"),
        ("detection", _detection(found)),
        ("recovery", _recovery(found)),
        ("stack", _stack(found)),
        ("who", "; ".join(f"{who} {what}" for what, who in found.asked)),
        ("what users saw", "; ".join(harm(found))),
        ("evidence", f"rollout {opened.rollout}, release {opened.release}: crossfade report {opened.rollout}"),
        ("next", following(found)),
    ]


def harm(found: Incident) -> Sequence[str]:
    """What users saw of the slot that was given up, a phrase for each service."""
    if found.trigger is Trigger.REVERT:
        return [f"{UNMEASURED}: a way back is not watched; crossfade report of the promotion before it has what was seen"]
    counted = [_harm(service, found.given_up, seen) for service, seen in found.seen.items()]
    unseen = [name for name in found.rollout.opened.services if name not in found.seen]
    return [*counted, *(f"{name}: {UNMEASURED}, nothing counts it, or it had no look yet" for name in unseen)] or [UNMEASURED]


def _harm(service: str, slot: str, seen: Seen) -> str:
    if not seen.requests:
        return f"{service}: {UNMEASURED}, no request to {slot} was counted"
    share = 100.0 * seen.errors / seen.requests
    failed = f"{seen.errors:,} of {seen.requests:,} requests to {slot} failed ({share:.2g} %)"
    return f"{service}: {failed}, counted while it was watched"


def following(found: Incident) -> str:
    """The next command to run, and what for."""
    rollout = found.rollout
    if rollout.phase is Phase.STUCK:
        return "mend what it names, then: crossfade abort"
    if not rollout.ended:
        return "it has not ended: crossfade watch"
    if found.trigger is Trigger.REVERT:
        return f"mend what was on {found.given_up}, pulumi up, then: crossfade promote"
    if found.trigger is Trigger.VERDICT:
        return f"change it and run pulumi up, then: crossfade promote; unchanged: {_AGAIN}"
    return _AGAIN


def seconds(value: float) -> str:
    """A length of time."""
    return f"{value:.2f} s" if value < _SHORT else f"{value:,.1f} s"


def _detection(found: Incident) -> str:
    if found.trigger is Trigger.REVERT:
        return f"{UNMEASURED}: a person decided, after another rollout had promoted it"
    first, bad = found.detection, found.hesitation
    since = "the candidate's first weight was never read back" if first is None else f"{seconds(first)} after its first traffic"
    if bad is None:
        return f"{since}; no recorded look was bad"
    return f"{since}; {seconds(bad)} after the first bad look"


def _recovery(found: Incident) -> str:
    if found.recovery is None:
        return f"{UNMEASURED}: no record says that all weights are back"
    return f"{seconds(found.recovery)} from the decision until {found.kept} had 100 %, read back"


def _stack(found: Incident) -> str:
    if found.trigger is Trigger.REVERT:
        return "as it was declared: a way back changes weights alone"
    if found.reverted is None:
        return "not as before yet" if not found.rollout.ended else "not as before: " + redacted("; ".join(found.rollout.because))
    return f"as before {seconds(found.reverted - found.decided)} after the decision"


# The forms


def document(events: Sequence[Event], found: Incident) -> Mapping[str, Any]:
    """The incident for machines. Times in seconds since 1970; null: not measured."""
    opened = found.rollout.opened
    happenings = [{**to_record(each.event), "sentence": redacted(each.told)} for each in happened(entries(events))]
    return {
        "format": 1,
        "rollout": opened.rollout,
        "phase": found.rollout.phase.value,
        "release": opened.release,
        "given_up": found.given_up,
        "kept": found.kept,
        "trigger": found.trigger.value,
        "because": [redacted(each) for each in found.because],
        "decided": found.decided,
        "weights": dict(found.weights),
        "setting": found.setting,
        "detection": {"since_traffic": found.detection, "since_bad_look": found.hesitation},
        "recovery": found.recovery,
        "reverted": found.reverted,
        "who": [{"what": what, "by": who} for what, who in found.asked],
        "seen": {name: {"requests": each.requests, "errors": each.errors} for name, each in found.seen.items()},
        "numbers": [] if found.look is None else list(found.look.numbers),
        "next": following(found),
        "weights_over_time": [{"at": at, "candidate": share} for at, share in shares(entries(events))],
        "events": happenings,
    }


def markdown(events: Sequence[Event], found: Incident) -> str:
    """The incident for people."""
    told, opened = entries(events), found.rollout.opened
    lines = [f"- {date(each.event.at)} **{each.rollout.phase.value}** {quiet(each.told)}" for each in happened(told)]
    return (
        "\n".join(
            [
                f"# Incident {quiet(opened.rollout)}: {found.rollout.phase.value}",
                "",
                quiet(headline(found)),
                "",
                *table(("fact", ""), [(name, quiet(text)) for name, text in facts(found)]),
                "",
                "## What happened",
                "",
                *lines,
                "",
                "## Weights",
                "",
                "```",
                *_bars(told),
                "```",
                *_decided_on(found),
            ]
        )
        + "\n"
    )


def quiet(text: str) -> str:
    """A text that others may have written, on one line, and without power over Markdown."""
    return " ".join(redacted(text).split()).translate(_LOUD)


def _bars(told: Sequence[Entry]) -> list[str]:
    opened, began = told[0].rollout.opened, told[0].event.at
    bars = [(at - began, share, "#" * math.ceil(share * _BAR / 100)) for at, share in shares(told)]
    return [f"{at:9.1f} s  {quiet(opened.candidate)} {share:3d} %  {bar}".rstrip() for at, share, bar in bars]


def _decided_on(found: Incident) -> Sequence[str]:
    if found.look is None or not found.look.numbers:
        return ["", "No gate had counted anything when it was decided."]
    rows = [[quiet(cell) for cell in (f"{found.share} %", *row[1:])] for row in weighed(found.rollout, found.look, whole=True)]
    queries = found.rollout.opened.queries.items()
    return [
        "",
        "## What it was decided on",
        "",
        EVIDENCE,
        "",
        *table(WEIGHED, rows),
        "",
        *(f"- {quiet(service)} is counted by {quiet(query)}" for service, query in queries),
    ]
