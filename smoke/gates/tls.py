"""Every peer by TLS, from a runtime: ``crossfade gate tls DAYS PYTHON HOST[:PORT]...``, as ``21 {candidate} api.example.com``.

The interpreter connects to each as its programs do: a newer one wants TLS 1.2, stronger keys and ciphers. Each has to take it,
with a certificate that is good for so many days more: one that ends within a rollout or a soak is a failure to come.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import shortened
from smoke.gates.answer import Answer, listed
from smoke.process import last_line, run

_LIMIT = 15.0
"""Seconds that one peer may take."""
_DAY = 86_400.0
_ASKING = """
import json, socket, ssl, sys
found = {}
for name in sys.argv[2:]:
    host, _, port = name.rpartition(":") if ":" in name else (name, "", "443")
    try:
        context = ssl.create_default_context()
        with socket.create_connection((host, int(port)), float(sys.argv[1])) as plain:
            with context.wrap_socket(plain, server_hostname=host) as peer:
                ends = ssl.cert_time_to_seconds(peer.getpeercert()["notAfter"])
                found[name] = {"version": peer.version(), "cipher": peer.cipher()[0], "ends": ends}
    except Exception as error:
        found[name] = {"why": "%s: %s" % (type(error).__name__, error)}
print(json.dumps(found))
"""
"""In the syntax of 3.9."""


def gate(given: Sequence[str]) -> Answer:
    """Connect to each.

    Raises:
        UsageError: a word makes no sense.
    """
    hint = "crossfade gate tls 21 .venv312/bin/python api.example.com feed.example.com:8443"
    if len(given) < 3 or not given[0].isdecimal():  # noqa: PLR2004 - see the hint
        raise UsageError("gate tls wants days, an interpreter and peers", hint=hint)
    days, python, *peers = given
    for peer in peers:
        port = peer.rpartition(":")[2] if ":" in peer else "443"
        if not port.isdecimal() or not 0 < int(port) < 2**16 or "/" in peer:
            raise UsageError(f"{peer} is no peer: a host, and perhaps a port", hint=hint)
    try:
        ended = run([python, "-c", _ASKING, str(_LIMIT), *peers], ".", _LIMIT * len(peers) + _LIMIT)
    except (OSError, ValueError) as error:
        return Answer(Outcome.UNMEASURED, f"{python} cannot be started: {error}", 0)
    try:
        found = json.loads(last_line(ended.out))
        lines = {peer: _line(found[peer]) for peer in peers}
    except (ValueError, LookupError, TypeError):
        return Answer(Outcome.UNMEASURED, f"{python} does not say what it was asked: {shortened(last_line(ended.err))}", 0)
    return judged(found, lines, float(days), time.time())


def judged(found: Mapping[str, Mapping[str, Any]], lines: Mapping[str, str], days: float, now: float) -> Answer:
    """What is said of each peer, as seen at a time in seconds since 1970."""
    told = tuple(f"{peer}: {line}" for peer, line in lines.items())
    refused = [f"{peer}: {lines[peer]}" for peer, each in found.items() if "why" in each]
    if refused:
        detail = f"{len(refused)} of {len(found)} peers cannot be connected to: {listed(refused)}"
        return Answer(Outcome.FAIL, detail, len(found), lines=told)
    left = {peer: (each["ends"] - now) / _DAY for peer, each in found.items()}
    first = min(left, key=lambda peer: left[peer])
    outcome = Outcome.PASS if left[first] >= days else Outcome.FAIL
    detail = f"{len(found)} peers can be connected to; the certificate of {first} is the first to end, in {left[first]:.1f} days"
    return Answer(outcome, detail, len(found), round(left[first], 2), ">=", days, (), told)


def _line(said: Mapping[str, Any]) -> str:
    if "why" in said:
        return shortened(str(said["why"]))
    return f"{said['version']}, {said['cipher']}, until {time.strftime('%Y-%m-%d', time.gmtime(float(said['ends'])))}"
