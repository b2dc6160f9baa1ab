"""A gateway of a cluster: weights in one rule of an HTTPRoute, confirmed by what the gateway's controller says of the route.

Pulumi makes the route, and never looks at its rules again. From the first write on they are ours, by server-side apply: all rules
as they were read, with other numbers in our rule, and on condition that nobody changed the route meanwhile. The API server keeps
the list as one whole that has one owner. From Pulumi it is taken over; where it is anybody else's, nothing is written.

That the controller accepted a route says that it knows it. Its proxies follow a moment later: Traefik after 0.03 to 0.3 seconds,
or after its throttle, by default two. Where a controller stays silent every write ends at its limit and no read tells weights, so
that who goes back tries for as long as his patience lasts, and says then that it is not known.
"""

import shlex
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from infra.contract import Json, RouteError
from infra.contract.route import TOTAL, check_weights
from smoke.cluster import MANAGER, ROUTE, Cluster, Reach
from smoke.errors import RouterError, UsageError
from smoke.refusal import Refused, Unreached
from smoke.routers.gateway_rules import ACCEPTED, RESOLVED, RULE, Ours, Route, RuleError, Word, route_in
from smoke.settings import check, is_seconds, is_text

_PULUMI = "pulumi-kubernetes"
"""What the names begin with under which Pulumi owns what it made."""
_TIMEOUT = 3.0
"""Seconds that a write may take where nobody says how many. Who drives tries again for longer, and to wait on costs no write."""
_ANSWER = 2.0
"""Seconds that the API server has for one answer: whoever drives has other services to look after."""
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.25
_CONFLICT = 409
_ANEW = "the route was made before the service was sticky-http; make it anew where nobody uses it: delete it, then pulumi up"
_TAKEN = """{apiVersion, kind, metadata: {name: .metadata.name, namespace: .metadata.namespace}, \
spec: {rules: [.spec.rules[] | if .name == $rule then .backendRefs[].weight *= 10 else . end]}}"""
"""Of a route in jq's words, its rules with the same shares in other numbers: who applies the same numbers owns them together with
others. Whoever applies more than the rules under our name takes the rest away at the next write, which has only them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one service's route."""

    reach: Reach
    route: str
    """Name of the HTTPRoute."""
    ours: Ours
    timeout: float
    """Seconds that a write may take, until the gateways have accepted it, and the answer that is waited for then."""

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        check(
            "router gateway",
            settings,
            {"namespace": is_text, "route": is_text, "backends": _are_backends},
            # What `settle` is for: smoke.seeing.
            {"context": is_text, "rule": is_text, "kept": _are_backends, "timeout": is_seconds, "settle": is_seconds},
            "it has: namespace, route, context, rule (texts), backends (a Service's name by slot), kept (a rule's name by slot), "
            "timeout and settle (seconds)",
        )
        ours = Ours(settings.get("rule", RULE), dict(settings["backends"]), dict(settings.get("kept", {})))
        if ours.kept and (ours.kept.keys() != ours.backends.keys() or ours.rule in ours.kept.values()):
            raise UsageError("router gateway: kept names a rule of its own for each slot of backends")
        reach = Reach(settings.get("context"), settings["namespace"])
        return cls(reach, settings["route"], ours, settings.get("timeout", _TIMEOUT))


def _are_backends(value: Json) -> bool:
    named = isinstance(value, dict) and bool(value) and all(is_text(each) for each in (*value, *value.values()))
    return named and len(set(value.values())) == len(value)


class GatewayRouter:
    """Writes and reads the weights of one service in its route."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = Settings.of(settings)
        self._cluster = Cluster(self._settings.reach, min(_ANSWER, self._settings.timeout))

    def write(self, weights: Mapping[str, int], keep: Collection[str] = ()) -> None:
        """Make these the weights. Nothing is written where the route says so already; that it is accepted is waited for still.

        What is kept is reached by the cookies of its browsers, where the route keeps them; by no other name. While the API server
        is away, and where somebody else was faster, it tries again until the time is up.
        """
        self._check(weights, keep)
        wanted = {slot: weights.get(slot, 0) for slot in self._settings.ours.backends}
        limit = _Limit(self._settings.timeout)
        written = self._set(wanted, keep, limit)
        self._confirm(wanted, keep, written, limit)

    def read(self) -> Mapping[str, int]:
        """Percent by slot, of what comes to our slots, in the route as its gateways have accepted it.

        While they have not yet nobody knows what they serve: that is an error. It is over by itself once they have. A write
        waits for just that, so that whoever reads after one sees its weights.
        """
        try:
            found = self._route()
            percents = found.percents()
        except (Refused, Unreached, RuleError) as error:
            raise self._error("its weights cannot be read", error) from error
        said = found.word(found.generation, ACCEPTED)
        if said != Word():
            raise self._error("nobody knows which weights are served", said.refused or said.awaited)
        return percents

    def _route(self) -> Route:
        return route_in(self._cluster.get(ROUTE, self._settings.route), self._settings.ours)

    # What is wanted

    def _check(self, weights: Mapping[str, int], keep: Collection[str]) -> None:
        known = self._settings.ours.backends
        if unknown := sorted({*weights, *keep} - known.keys()):
            raise self._error(f"no slot {', '.join(unknown)} in {', '.join(sorted(known))}; nothing was written")
        try:
            check_weights(weights)
        except RouteError as error:
            raise self._error(f"{error}; nothing was written") from error

    def _set(self, wanted: Mapping[str, int], keep: Collection[str], limit: "_Limit") -> "_Written":
        """Have the route say so."""
        sent = False
        while True:
            try:
                found = self._route()
                self._check_kept(found, wanted)
                names = RESOLVED if found.gives_anew(wanted) else ACCEPTED
                if found.has(wanted, keep):
                    return _Written(found.generation, names)
                sent = True
                return _Written(self._apply(found, wanted, keep).generation, names)
            except RuleError as error:
                raise self._error("nothing was written", error) from error
            except Refused as error:
                if error.status != _CONFLICT or error.owners:
                    raise self._refused(error) from error
                cause: Exception = error
            except Unreached as error:
                cause = error
            if not limit.wait(cause):
                extent = "may be written or not" if sent else "is not written"
                raise self._error(f"{dict(wanted)} {extent}", cause) from cause

    def _check_kept(self, found: Route, wanted: Mapping[str, int]) -> None:
        """Requests are not split where browsers would change their slot with each; who goes back does not split."""
        if found.missing and TOTAL not in wanted.values():
            cause = f"browsers would change their slot from request to request: no rule {' and '.join(found.missing)} keeps them"
            raise self._error("nothing was written", cause, _ANEW)

    def _apply(self, found: Route, wanted: Mapping[str, int], keep: Collection[str]) -> Route:
        # On condition that it is the route that was read: not changed, nor made anew, nor gone.
        document = {"metadata": found.identity, "spec": {"rules": found.rules(wanted, keep)}}
        name, ours = self._settings.route, self._settings.ours
        try:
            return route_in(self._cluster.apply(ROUTE, name, document), ours)
        except Refused as error:
            if not error.owners or not all(each.manager.startswith(_PULUMI) for each in error.owners):
                raise
        return route_in(self._cluster.apply(ROUTE, name, document, force=True), ours)

    # What became of it

    def _confirm(self, wanted: Mapping[str, int], keep: Collection[str], written: "_Written", limit: "_Limit") -> None:
        while True:
            said, cause = Word(), None
            try:
                found = self._route()
                said = found.word(written.generation, written.names)
                if not found.has(wanted, keep):
                    raise self._error(
                        f"{dict(wanted)} was written, and somebody changed it since", f"now it is {dict(found.weights)}"
                    )
                if said == Word():
                    return
            except (Refused, RuleError) as error:
                raise self._error(f"{dict(wanted)} was written, and the route is another since", error) from error
            except Unreached as error:
                cause = error
            if said.refused:
                raise self._error(f"{dict(wanted)} is written, and not accepted", said.refused)
            if not limit.wait(cause):
                raise self._error(f"{dict(wanted)} is written, not confirmed", cause or said.awaited) from cause

    # In words

    def _refused(self, error: Refused) -> RouterError:
        if not error.owners:
            return self._error("nothing was written", error)
        owned = ", ".join(sorted({f"{each.manager} owns {each.field}" for each in error.owners}))
        return self._error("its rules are somebody else's; nothing was written", owned, self._owning())

    def _owning(self) -> str:
        """The line by which a person makes the rules ours, and leaves the shares as they are."""
        ours, reach = self._settings, self._settings.reach
        kubectl = ["kubectl", *(["--context", reach.context] if reach.context else []), "-n", reach.namespace]
        read = shlex.join([*kubectl, "get", "httproute", ours.route, "-o", "json"])
        take = shlex.join(["jq", "--arg", "rule", ours.ours.rule, _TAKEN])
        apply = shlex.join([*kubectl, "apply", "--server-side", "--force-conflicts", "--field-manager", MANAGER, "-f", "-"])
        return f"where nobody else means to change them: {read} | {take} | {apply}"

    def _error(self, what: str, cause: Exception | str | None = None, hint: str | None = None) -> RouterError:
        ours = self._settings
        where = f"HTTPRoute {ours.reach.namespace}/{ours.route}"
        if ours.reach.context:
            where += f" of context {ours.reach.context}"
        return RouterError(f"route {ours.route}: {what}", where, None if cause is None else str(cause), hint)


@dataclass(frozen=True, slots=True)
class _Written:
    """What has to be said of a route until a write is done."""

    generation: int
    names: Collection[str]
    """Conditions. That all references lead somewhere counts where a slot gets traffic that had none: what others' rules lead to
    must keep nobody from going back."""


class _Limit:
    """Seconds that are left to try, and pauses between that grow."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE

    def wait(self, cause: Exception | None) -> bool:
        """Pause, for as long as the server asks for; False: it is of no use to try again, or too late."""
        asked = 0.0
        if isinstance(cause, Unreached):
            if not cause.passing:
                return False
            asked = cause.after or 0.0
        pause = max(self._pause, asked)
        if time.monotonic() + pause > self._end:
            return False
        time.sleep(pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return True
