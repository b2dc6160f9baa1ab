"""Our target groups in the actions of a load balancer's rule: found, given other weights, compared. Pure.

Everything else in the actions stays as it was read: who must log in before, in which order, for how long browsers stay. What is
read may be of whatever sum, as whoever made the rule may count otherwise.
"""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

from infra.contract import Json
from infra.contract.route import TOTAL
from smoke.arn import LISTENER, is_arn, short

_STICKY = "TargetGroupStickinessConfig"
_SECRET = {"ClientSecret", "UseExistingClientSecret"}
"""Of who logs in by OpenID Connect: written and never read."""


class RuleError(ValueError):
    """The rule has no place for our weights, or what it has are no percentages; the text says why."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours in a rule."""

    targets: Mapping[str, str]
    """ARN of the target group by slot."""
    stickiness: int | None = None
    """Seconds that a browser stays on its slot while each slot may be reached; None: as the rule has it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that has a place for our weights."""

    ours: Ours
    actions: list[Json]
    """As they were read."""
    weights: Mapping[str, int]
    """The numbers as they stand, by slot, of whatever sum."""
    seconds: int | None
    """How long browsers stay on their slot; None: they do not."""

    def percents(self) -> Mapping[str, int]:
        """Percent by slot, 100 in all: 9 and 1 are 90 and 10.

        Raises:
            RuleError: they are no whole ones, as 1 and 2 are not.
        """
        total = sum(self.weights.values())
        if not total or any(weight * TOTAL % total for weight in self.weights.values()):
            said = ", ".join(f"{slot} {weight}" for slot, weight in self.weights.items())
            raise RuleError(f"it has weights that are no whole percentages: {said}")
        return {slot: weight * TOTAL // total for slot, weight in self.weights.items()}

    def anew(self, percents: Mapping[str, int]) -> Collection[str]:
        """Slots that would get traffic and have none."""
        return [slot for slot, weight in self.weights.items() if percents[slot] and not weight]

    def forgets(self, percents: Mapping[str, int], keep: Collection[str]) -> bool:
        """Whether nobody would know any more how long browsers stayed, and none of it were in a hurry.

        Who goes back takes that loss: a browser that stays on a slot without weight is what he goes back from.
        """
        if self.seconds is None or self.ours.stickiness is not None or _is(self.weights, percents):
            return False
        return bool(self.anew(percents)) or not self._drops(percents, keep)

    def written(self, percents: Mapping[str, int], keep: Collection[str]) -> list[Json]:
        """Its actions with these numbers, each slot's percent; the rule itself stays as it is."""
        actions = deepcopy(self.actions)
        config = _forward(actions)["ForwardConfig"]
        slots = {arn: slot for slot, arn in self.ours.targets.items()}
        for each in config["TargetGroups"]:
            each["Weight"] = percents[slots[each["TargetGroupArn"]]]
        if (seconds := self.ours.stickiness) is not None:
            config[_STICKY] = {"Enabled": not self._drops(percents, keep), "DurationSeconds": seconds}
        elif self.seconds is not None and self._drops(percents, keep) and not _is(self.weights, percents):
            config[_STICKY] = {**config[_STICKY], "Enabled": False}
        return [_kept_secret(each) for each in actions]

    def _drops(self, percents: Mapping[str, int], keep: Collection[str]) -> bool:
        """Whether a slot is not to be reached any more, which cookies would lead to all the same."""
        return any(not percents[slot] and slot not in keep for slot in self.weights)


def rule_in(actions: list[Json], ours: Ours) -> Rule:
    """The rule that these actions are.

    Raises:
        RuleError: they do not forward, do so twice, or to other target groups than ours; or they are no actions.
    """
    try:
        config = _forward(actions).get("ForwardConfig") or {}
        groups = config.get("TargetGroups") or [{"TargetGroupArn": _forward(actions).get("TargetGroupArn", "none")}]
        weights = _weights([(each["TargetGroupArn"], int(each.get("Weight", 1))) for each in groups], ours)
        return Rule(ours, actions, weights, _seconds(config))
    except RuleError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise RuleError(f"the service's answer is no rule: {error!r}") from error


def differences(one: list[Json], other: list[Json]) -> list[str]:
    """Where two lists of actions do not say the same; what a service fills in or leaves out by itself is no difference."""
    return sorted(set(_paths(_plain(one), _plain(other), "")))


def policy(settings: Mapping[str, Json]) -> Json:
    """The least that whoever writes these weights must be allowed, as a policy of IAM. To look is allowed of all or none."""
    rule = settings["rule"]
    look, act = ("DescribeListeners", "ModifyListener") if is_arn(rule, LISTENER) else ("DescribeRules", "ModifyRule")
    looks = [f"elasticloadbalancing:{each}" for each in (look, "DescribeTargetHealth")]
    statements = [
        {"Effect": "Allow", "Action": looks, "Resource": "*"},
        {"Effect": "Allow", "Action": f"elasticloadbalancing:{act}", "Resource": rule},
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _forward(actions: list[Json]) -> Json:
    found = [each for each in actions if each["Type"] == "forward"]
    if len(found) != 1:
        types = ", ".join(str(each["Type"]) for each in actions) or "none"
        raise RuleError(f"it has {len(found)} actions that forward, and not one: {types}")
    return found[0]


def _weights(groups: list[tuple[str, int]], ours: Ours) -> Mapping[str, int]:
    there = dict(groups)
    if foreign := sorted(there.keys() - ours.targets.values()):
        raise RuleError(f"it forwards to target groups that are none of ours: {', '.join(map(short, foreign))}")
    if missing := sorted(set(ours.targets.values()) - there.keys()):
        raise RuleError(f"it does not forward to {', '.join(map(short, missing))}; with weight 0 it may")
    if len(there) != len(groups):
        raise RuleError("it forwards to one target group twice")
    if wrong := [f"{short(arn)} {weight}" for arn, weight in groups if weight < 0]:
        raise RuleError(f"it has weights below 0: {', '.join(wrong)}")
    return {slot: there[arn] for slot, arn in ours.targets.items()}


def _seconds(config: Json) -> int | None:
    """For how long browsers stay; 0 where it does not say."""
    found = config.get(_STICKY) or {}
    return int(found.get("DurationSeconds") or 0) if found.get("Enabled") else None


def _is(weights: Mapping[str, int], percents: Mapping[str, int]) -> bool:
    total = sum(weights.values())
    return total > 0 and all(weight * TOTAL == percents[slot] * total for slot, weight in weights.items())


def _kept_secret(action: Json) -> Json:
    """The action as it may be sent: who reads it is not told the secret, and says that it stays."""
    config = action.get("AuthenticateOidcConfig")
    if config is None or "ClientSecret" in config:
        return action
    return {**action, "AuthenticateOidcConfig": {**config, "UseExistingClientSecret": True}}


def _plain(actions: list[Json]) -> list[Json]:
    """Actions without what may be said in several ways."""
    ordered = sorted(enumerate(actions, start=1), key=lambda each: each[1].get("Order") or each[0])
    return [_plainer({name: value for name, value in each.items() if name != "Order"}) for _, each in ordered]


def _plainer(action: Json) -> Json:
    if (config := action.get("AuthenticateOidcConfig")) is not None:
        known = {name: value for name, value in config.items() if name not in _SECRET}
        return {**action, "AuthenticateOidcConfig": known}
    if (config := action.get("ForwardConfig")) is not None:
        groups = {short(each["TargetGroupArn"]): each.get("Weight", 1) for each in config.get("TargetGroups") or ()}
        # The group alone is said again beside it where there is only one.
        bare = {name: value for name, value in action.items() if name != "TargetGroupArn"}
        return {**bare, "ForwardConfig": {**config, "TargetGroups": groups, _STICKY: _seconds(config)}}
    return action


def _paths(one: Json, other: Json, where: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from _paths(one.get(name), other.get(name), f"{where}.{name}" if where else str(name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True), start=1):
            yield from _paths(mine, theirs, f"{where}.{place}" if where else f"action {place}")
    elif one != other:
        yield where or "actions"
