"""Names of what belongs to a load balancer, as Amazon writes them: ``arn:aws:elasticloadbalancing:eu-west-1:1234:...``. Pure."""

import re

from infra.contract import Json

_ARN = re.compile(r"arn:[a-z-]+:elasticloadbalancing:([a-z0-9-]+):\d{12}:([a-z-]+)/(\S+)")
RULE, LISTENER, TARGETS, BALANCER = "listener-rule", "listener", "targetgroup", "loadbalancer"


def is_arn(value: Json, *kinds: str) -> bool:
    """Whether it names something of one of these kinds; all but target groups of an Application Load Balancer."""
    found = _ARN.fullmatch(value) if isinstance(value, str) else None
    return found is not None and found[2] in kinds and (found[2] == TARGETS or found[3].startswith("app/"))


def are_targets(value: Json) -> bool:
    """A target group's ARN by slot, each another: two slots at least, for one has no share."""
    named = isinstance(value, dict) and len(value) > 1 and all(isinstance(slot, str) and slot for slot in value)
    return named and all(is_arn(each, TARGETS) for each in value.values()) and len(set(value.values())) == len(value)


def region_of(arn: str) -> str:
    """The region that something is in; empty where it is no such name."""
    found = _ARN.fullmatch(arn)
    return found[1] if found else ""


def short(arn: str) -> str:
    """What people call it, and counts are told of: ``targetgroup/blue/6d0e``; of a load balancer ``app/shop/50dc``."""
    return arn.rpartition(":")[2].removeprefix(f"{BALANCER}/")
