"""A peer in trouble, on both runtimes: ``crossfade gate peer FAULT PEER BEFORE AFTER WORD...``.

``slow exchange.test:9000 {live} {candidate} fetch.py`` runs the program with ``CROSSFADE_PEER``, an address of this machine with
the real peer behind it, and that fault: reset, half, refused, slow, dead, or all. It has to come out as on the old one: a timeout
that is an ``OSError`` now takes another branch, and shows. And it has to end by itself, whatever the peer does.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer, listed
from smoke.gates.faulty import FAULTS, Faulty
from smoke.gates.pair import told_apart
from smoke.gates.replay import Compared, compared
from smoke.process import Ended, run

_LIMIT = 60.0
"""Seconds that one run may take."""
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Met:
    """What came of one run."""

    ended: Ended
    hurt: int
    """Connections that met the fault."""


def gate(given: Sequence[str]) -> Answer:
    """Run it with each fault on both, and compare.

    Raises:
        UsageError: a word makes no sense.
    """
    hint = "crossfade gate peer slow 127.0.0.1:9000 .venv39/bin/python .venv312/bin/python fetch.py"
    if len(given) < 5 or given[0] not in {_ALL, *FAULTS}:  # noqa: PLR2004 - see the hint
        raise UsageError(
            f"gate peer wants a fault ({', '.join(FAULTS)} or all), a peer, two interpreters and a program", hint=hint
        )
    fault, peer, before, after, *words = given
    host, _, port = peer.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError(f"{peer} is no peer: host:port", hint=hint)
    told_apart(before, after)
    found = []
    for name in FAULTS if fault == _ALL else [fault]:
        try:
            old, again, new = (_met(name, host, int(port), [python, *words]) for python in (before, before, after))
        except (OSError, ValueError) as error:
            return Answer(Outcome.UNMEASURED, f"{before} or {after} cannot be started: {error}", 0)
        if not (old.hurt and again.hurt):
            detail = f"with the peer {name} the program never met it: it has to connect to CROSSFADE_PEER"
            return Answer(Outcome.UNMEASURED, detail, 0)
        found.append(_compared(name, old, again, new))
    return _answer(found)


def _compared(name: str, old: Met, again: Met, new: Met) -> Compared:
    if not new.hurt:
        return Compared(name, 1, 0, "the new runtime never connected")
    if old.ended.status is None and new.ended.status is None:
        return Compared(name, 1, 0, f"on neither it ends within {_LIMIT:g} s: it waits for ever")
    return compared(name, old.ended, again.ended, new.ended, 0.0)


def _answer(found: Sequence[Compared]) -> Answer:
    unlike = [each for each in found if each.why]
    lines = tuple(f"{each.name}: {each.why or 'as on the old runtime'}" for each in found)
    if unlike:
        told = listed([f"{each.name}: {each.why}" for each in unlike])
        return Answer(Outcome.FAIL, f"{len(unlike)} of {len(found)} faults come out otherwise: {told}", len(found), lines=lines)
    return Answer(Outcome.PASS, f"{len(found)} faults come out as on the old runtime", len(found), lines=lines)


def _met(fault: str, host: str, port: int, words: Sequence[str]) -> Met:
    with Faulty(fault, host, port) as proxy:
        ended = run(words, ".", _LIMIT, {**os.environ, "CROSSFADE_PEER": proxy.address, "PYTHONHASHSEED": "0"})
        return Met(ended, proxy.hurt)
