"""A load balancer's rule at a service of the tests' own that answers as AWS does, and before which things happen.

No request of a user is served here. See ``balancer``.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import pytest

from infra.contract import Backend, Json
from smoke.aws import Reach, client
from smoke.clock import FakeClock
from smoke.errors import RouterError
from smoke.routers.alb import AlbRouter
from smoke.seams import Clock
from tests.smoke.journals.s3_server import served
from tests.smoke.routers.alb_actions import Document, forward

REGION = "eu-west-1"
ALWAYS = 1_000_000
_SPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
_priorities = itertools.count(1)


@dataclass(frozen=True)
class Refusal:
    """What is answered in the place of the service."""

    status: int
    code: str
    message: str = "so it is said"

    def text(self) -> str:
        """As this service says it."""
        error = f"<Error><Type>Sender</Type><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        return f'<ErrorResponse xmlns="{_SPACE}">{error}<RequestId>1</RequestId></ErrorResponse>'


@dataclass
class Layer:
    """Stands before the service."""

    inner: Callable[..., Iterable[bytes]]
    asked: list[str] = field(default_factory=list)
    """Actions, in order."""
    refuses: dict[str, deque[Refusal]] = field(default_factory=dict)
    """By action: what the next ones get."""
    stale: int = 0
    """How many of the next reads of a rule show it as it was before it was last written."""
    states: dict[str, list[str]] = field(default_factory=dict)
    """By target group: what its targets are said to be, each ``state`` or ``state reason``."""
    meanwhile: Callable[[], object] | None = None
    """Done once, right after the next write."""
    _before: bytes = b""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        words = {name: each[0] for name, each in parse_qs(body.decode(errors="replace")).items()}
        action = words.get("Action", "")
        self.asked.append(action)
        if waiting := self.refuses.get(action):
            refusal = waiting.popleft()
            return _said(start, f"{refusal.status} So", refusal.text().encode())
        if action == "DescribeTargetHealth" and words["TargetGroupArn"] in self.states:
            return _said(start, "200 OK", _health(self.states[words["TargetGroupArn"]]).encode())
        return self._passed(action, environ, start)

    def _passed(self, action: str, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if action == "DescribeRules" and self.stale and self._before and "ModifyRule" in self.asked:
            self.stale -= 1
            return _said(start, "200 OK", self._before)
        answer = b"".join(self.inner(environ, start))
        if action == "DescribeRules":
            self._before = answer
        if action.startswith("Modify") and self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        return [answer]

    def refuse(self, action: str, refusal: Refusal, times: int = 1) -> None:
        """Answer so to the next ones."""
        self.refuses[action] = deque([refusal] * times)

    def calm(self) -> None:
        """Nothing happens any more, and nothing is remembered."""
        self.asked, self.refuses, self.states, self.stale, self.meanwhile = [], {}, {}, 0, None


def _said(start: Callable[..., Any], status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _health(states: Iterable[str]) -> str:
    told = [
        (state, f"<Reason>{reason}</Reason>" if reason else "") for state, _, reason in (each.partition(" ") for each in states)
    ]
    members = "".join(
        f"<member><Target><Id>10.0.0.9</Id></Target><TargetHealth><State>{state}</State>{reason}</TargetHealth></member>"
        for state, reason in told
    )
    inner = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
    return f'<R xmlns="{_SPACE}"><DescribeTargetHealthResult>{inner}</DescribeTargetHealthResult></R>'


class Estate:
    """A load balancer with a listener, and target groups for blue, green and somebody else, with a target each."""

    def __init__(self, endpoint: str, layer: Layer) -> None:
        self.endpoint, self.layer = endpoint, layer
        self.elb = client("elbv2", Reach(REGION, endpoint), 20.0)
        ec2 = client("ec2", Reach(REGION, endpoint), 20.0)
        subnets = ec2.describe_subnets()["Subnets"][:2]
        self._network = subnets[0]["VpcId"]
        balancer = self.elb.create_load_balancer(Name="shop", Subnets=[each["SubnetId"] for each in subnets])
        self.balancer: str = balancer["LoadBalancers"][0]["LoadBalancerArn"]
        self.targets = {slot: self.group(slot) for slot in ("blue", "green")}
        self.foreign = self.group("foreign")
        made = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=[forward(self.targets)]
        )
        self.listener: str = made["Listeners"][0]["ListenerArn"]

    def group(self, name: str) -> str:
        """A target group of that name, with one target."""
        made = self.elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=self._network, TargetType="ip")
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        self.elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.9", "Port": 80}])
        return arn

    def rule(self, *actions: Document) -> "Shop":
        """A rule with these actions; with our target groups alone, all on blue, where none are said."""
        number = next(_priorities)
        made = self.elb.create_rule(
            ListenerArn=self.listener,
            Priority=number,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{number}/*"]}],
            Actions=list(actions) or [forward(self.targets)],
        )
        return Shop(self, made["Rules"][0]["RuleArn"])


class Shop:
    """A rule of the test's own."""

    def __init__(self, estate: Estate, arn: str) -> None:
        self.estate, self.layer, self.arn = estate, estate.layer, arn
        self.clock = FakeClock()

    def backend(self, **others: Json) -> Backend:
        """The router of the rule, as the contract names it."""
        settings = {"rule": self.arn, "targets": self.estate.targets, "endpoint": self.estate.endpoint}
        return Backend("alb", {**settings, **others})

    def router(self, clock: Clock | None = None, **others: Json) -> AlbRouter:
        """That router; the time of this shop passes for it."""
        return AlbRouter(self.backend(**others).settings, clock or self.clock)

    def whole(self) -> dict[str, Any]:
        """All that there is to the rule."""
        found: dict[str, Any] = self.estate.elb.describe_rules(RuleArns=[self.arn])["Rules"][0]
        return found

    def actions(self) -> list[Document]:
        """What it does."""
        found: list[Document] = self.whole()["Actions"]
        return found

    def change(self, *actions: Document) -> None:
        """What somebody else does to it."""
        self.estate.elb.modify_rule(RuleArn=self.arn, Actions=list(actions))


def shares(blue: int) -> dict[str, int]:
    """Weights."""
    return {"blue": blue, "green": 100 - blue}


def refused(act: Callable[[], object]) -> RouterError:
    """What is said where it does not work."""
    with pytest.raises(RouterError) as caught:
        act()
    return caught.value


@contextmanager
def signed_in(**others: str) -> Iterator[None]:
    """Within the context whoever asks has credentials, and no others than these."""
    words: Mapping[str, str] = {
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing"),
        **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), "/nowhere"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        **others,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        for name, value in words.items():
            patch.setenv(name, value)
        yield


@contextmanager
def opened() -> Iterator[Estate]:
    """An estate at a service of its own."""
    with signed_in(), served() as (endpoint, front):
        layer = Layer(front.inner)
        front.inner = layer
        front.lock = nullcontext()  # what happens meanwhile is a request too
        yield Estate(endpoint, layer)
