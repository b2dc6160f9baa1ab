"""An Application Load Balancer: weights of target groups in one rule of a listener that is there already.

The rule belongs to whoever made it. A write sends its actions back as they were read, with other weights; conditions and priority
are not sent at all. The service knows no write on a condition: what somebody else changes between our read and our write is lost,
and nobody can see that. What he changes after it is seen, for all of the actions are read again.

A group whose targets are all unhealthy is sent requests all the same: so its health is asked for where a slot gets traffic. And a
group without weight is still sent the browsers that stay on it: where a slot is given up nobody stays anywhere, by that write.
The setting ``stickiness`` says what the next write that keeps both slots makes of it. Load balancers follow some seconds after
the rule; smoke.seeing waits for that.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from infra.contract import Json, RouteError
from infra.contract.route import check_weights
from smoke.arn import LISTENER, RULE, are_targets, is_arn, region_of, short
from smoke.aws import Reach, Service, ask, hint_of, patiently
from smoke.clock import SystemClock
from smoke.errors import RouterError
from smoke.refusal import Refused, Unreached
from smoke.routers.alb_rule import Ours, Rule, RuleError, differences, rule_in
from smoke.seams import Clock
from smoke.settings import check, is_seconds, is_text

_TIMEOUT = 5.0
"""Seconds that a write may take where nobody says how many. Who drives tries again for longer."""
_ANSWER = 2.0
"""Seconds that the service has for one answer: whoever drives has other services to look after."""
_READING = 1.0
"""Seconds that a read may wait for a service that is busy."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_LONGEST_STAY = 7 * 24 * 3600
"""Seconds; the service takes no more."""
_HEALTHY = "healthy"
_GONE = {
    "RuleNotFound": "the rule was deleted, or made anew under another ARN: settings.rule",
    "ListenerNotFound": "the listener was deleted, or made anew under another ARN: settings.rule",
    "TargetGroupNotFound": "the target group was deleted, or made anew under another ARN: settings.targets",
}


def _is_stay(value: Json) -> bool:
    return type(value) is int and 0 < value <= _LONGEST_STAY


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one service's rule."""

    rule: str
    """ARN of the rule, or of the listener whose default rule it is."""
    ours: Ours
    timeout: float
    """Seconds that a write may take, until the rule is read back, and the answer that is waited for then."""
    reach: Reach

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        optional = {"region": is_text, "endpoint": is_text, "timeout": is_seconds, "stickiness": _is_stay}
        check(
            "router alb",
            settings,
            {"rule": lambda value: is_arn(value, RULE, LISTENER), "targets": are_targets},
            {**optional, "settle": is_seconds},  # what `settle` is for: smoke.seeing
            "it has: rule (ARN of a rule, or of a listener for its default rule), targets (a target group's ARN by slot), "
            "stickiness (whole seconds, a week at most), region, endpoint, timeout and settle (seconds)",
        )
        ours = Ours(dict(settings["targets"]), settings.get("stickiness"))
        reach = Reach(settings.get("region", region_of(settings["rule"])), settings.get("endpoint"))
        return cls(settings["rule"], ours, settings.get("timeout", _TIMEOUT), reach)


class AlbRouter:
    """Writes and reads the weights of one service in its rule."""

    def __init__(self, settings: Mapping[str, Json], clock: Clock | None = None) -> None:
        self._settings = Settings.of(settings)
        self._service = Service("elbv2", self._settings.reach, min(_ANSWER, self._settings.timeout))
        self._clock = clock or SystemClock()

    def write(self, weights: Mapping[str, int], keep: Collection[str] = ()) -> None:
        """Make these the weights. Written even where the rule says so already: what is read may be of a moment ago.

        What is kept is reached by the cookies of its browsers, where the rule has them; by no other name. A slot that has no
        traffic gets none before a target of it is healthy. While the service is not well it tries again until the time is up.
        """
        self._check(weights, keep)
        wanted = {slot: weights.get(slot, 0) for slot in self._settings.ours.targets}
        limit = _Limit(self._settings.timeout, self._clock)
        written = self._set(wanted, keep, limit)
        self._confirm(wanted, written, limit)

    def read(self) -> Mapping[str, int]:
        """Percent by slot, as the rule says."""
        try:
            return patiently(self._rule, self._clock, _READING).percents()
        except (Refused, Unreached, RuleError) as error:
            raise self._error("its weights cannot be read", error) from error

    # What is wanted

    def _check(self, weights: Mapping[str, int], keep: Collection[str]) -> None:
        known = self._settings.ours.targets
        if unknown := sorted({*weights, *keep} - known.keys()):
            raise self._error(f"no slot {', '.join(unknown)} in {', '.join(sorted(known))}; nothing was written")
        try:
            check_weights(weights)
        except RouteError as error:
            raise self._error(f"{error}; nothing was written") from error

    def _set(self, wanted: Mapping[str, int], keep: Collection[str], limit: "_Limit") -> "_Written":
        """Have the rule say so."""
        sent = False
        while True:
            try:
                found = self._rule()
                if found.forgets(wanted, keep):
                    raise self._forgetting(found)
                self._check_health(found.anew(wanted))
                written = _Written(found.actions, found.written(wanted, keep))
                sent = True
                self._modify(written.after)
            except RuleError as error:
                raise self._error("nothing was written", error) from error
            except (Refused, Unreached, _Unsure) as error:
                if not limit.wait(error):
                    extent = "may be written or not" if sent and isinstance(error, Unreached) else "is not written"
                    raise self._error(f"{dict(wanted)} {extent}", error) from error
            else:
                return written

    def _forgetting(self, found: Rule) -> RouterError:
        cause = f"the rule keeps browsers on their target group for {found.seconds} s, and whoever goes back must end that"
        hint = f"stickiness: {found.seconds} in the settings of the router, from where it is written again"
        return self._error("nothing was written", cause, hint)

    # What became of it

    def _confirm(self, wanted: Mapping[str, int], written: "_Written", limit: "_Limit") -> None:
        while True:
            try:
                written.check(self._rule())
                self._check_health([slot for slot, weight in wanted.items() if weight])
            except (Refused, Unreached, RuleError, _Unsure) as error:
                if not limit.wait(error):
                    raise self._error(f"{dict(wanted)} was written, and is not confirmed", error) from error
            else:
                return

    def _check_health(self, slots: Collection[str]) -> None:
        """Each of these has a target that answers."""
        for slot in slots:
            arn = self._settings.ours.targets[slot]
            said = self._ask("describe_target_health", TargetGroupArn=arn).get("TargetHealthDescriptions") or ()
            states = [_state(each) for each in said]
            if not any(each == _HEALTHY for each in states):
                counted = ", ".join(f"{count} {each}" for each, count in sorted(Counter(states).items()))
                raise _Unsure(f"{slot}: no target of {short(arn)} is healthy: {counted or 'it has none'}")

    # The rule

    def _rule(self) -> Rule:
        arn = self._settings.rule
        if is_arn(arn, LISTENER):
            listeners = self._ask("describe_listeners", ListenerArns=[arn]).get("Listeners") or [{}]
            return rule_in(listeners[0].get("DefaultActions") or [], self._settings.ours)
        found = (self._ask("describe_rules", RuleArns=[arn]).get("Rules") or [{}])[0]
        if found.get("IsDefault"):
            raise RuleError("it is the listener's default rule, which is changed by the listener: give its ARN as rule")
        return rule_in(found.get("Actions") or [], self._settings.ours)

    def _modify(self, actions: list[Json]) -> None:
        arn = self._settings.rule
        if is_arn(arn, LISTENER):
            self._ask("modify_listener", ListenerArn=arn, DefaultActions=actions)
        else:
            self._ask("modify_rule", RuleArn=arn, Actions=actions)

    def _ask(self, operation: str, **words: Json) -> Json:
        return ask(self._service, "elasticloadbalancing", operation, **words)

    def _error(self, what: str, cause: Exception | str | None = None, hint: str | None = None) -> RouterError:
        name = short(self._settings.rule)
        if isinstance(cause, Refused):
            hint = _GONE.get(cause.reason) or hint_of(cause)
        return RouterError(f"{name}: {what}", self._settings.rule, None if cause is None else str(cause), hint)


class _Unsure(Exception):
    """Not as it should be, and may be soon; the text says what."""


@dataclass(frozen=True, slots=True)
class _Written:
    """The actions of the rule, as they were read and as they were sent."""

    before: list[Json]
    after: list[Json]

    def check(self, found: Rule) -> None:
        """Whether that is what is read now: all of it."""
        if not (other := differences(self.after, found.actions)):
            return
        now = f"it has {', '.join(f'{slot} {weight}' for slot, weight in found.weights.items())}"
        if not differences(self.before, found.actions):
            raise _Unsure(f"the rule still says what it said before: {now}")
        raise _Unsure(f"somebody changed the rule since, in {', '.join(other)}: {now}")


def _state(description: Json) -> str:
    health = description.get("TargetHealth") or {}
    return " ".join(filter(None, (str(health.get("State", "unknown")), health.get("Reason"))))


class _Limit:
    """Seconds that are left to try, and pauses between that grow."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.now() + seconds
        self._pause = _FIRST_PAUSE

    def wait(self, cause: Exception) -> bool:
        """Pause, for as long as the service asks for; False: it is of no use to try again, or too late."""
        asked = 0.0
        if isinstance(cause, Unreached):
            asked = cause.after or 0.0
        if isinstance(cause, Refused | RuleError) or (isinstance(cause, Unreached) and not cause.passing):
            return False
        pause = max(self._pause, asked)
        if self._clock.now() + pause > self._end:
            return False
        self._clock.sleep(pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return True
