"""Actions of a load balancer's rule, as the service says them: some, and any."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as some

from infra.contract import Json

Document = dict[str, Any]
_ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
RULE = f"{_ARN}:listener-rule/app/shop/50dc6c495c0c9188/0467ef3c8400ae65/9683b2d02a6cabee"
LISTENER = f"{_ARN}:listener/app/shop/50dc6c495c0c9188/0467ef3c8400ae65"
TARGETS = {slot: f"{_ARN}:targetgroup/{slot}/73e2d6bc24d8a067" for slot in ("blue", "green")}
FOREIGN = f"{_ARN}:targetgroup/foreign/73e2d6bc24d8a067"

OIDC: Document = {
    "Type": "authenticate-oidc",
    "AuthenticateOidcConfig": {
        "Issuer": "https://id.example",
        "AuthorizationEndpoint": "https://id.example/authorize",
        "TokenEndpoint": "https://id.example/token",
        "UserInfoEndpoint": "https://id.example/info",
        "ClientId": "shop",
        "SessionCookieName": "shop",
        "Scope": "openid",
        "SessionTimeout": 3600,
        "OnUnauthenticatedRequest": "authenticate",
    },
}
COGNITO: Document = {
    "Type": "authenticate-cognito",
    "AuthenticateCognitoConfig": {
        "UserPoolArn": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a",
        "UserPoolClientId": "shop",
        "UserPoolDomain": "shop",
    },
}


def forward(targets: Mapping[str, str] = TARGETS, blue: int = 100, green: int = 0, **more: Json) -> Document:
    """Our target groups with these weights; ``more`` stands beside them."""
    weights = {"blue": blue, "green": green}
    groups = [{"TargetGroupArn": arn, "Weight": weights[slot]} for slot, arn in targets.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **more}}


def sticky(seconds: int | None) -> Document:
    """For how long browsers stay."""
    config = {"Enabled": False} if seconds is None else {"Enabled": True, "DurationSeconds": seconds}
    return {"TargetGroupStickinessConfig": config}


@some.composite
def rules(draw: some.DrawFn, targets: Mapping[str, str] = TARGETS, *, secret: bool = False) -> list[Document]:
    """Actions of any rule that has a place for our weights; ``secret``: as whoever creates it says them."""
    seconds = draw(some.none() | some.integers(1, 604_800))
    numbers = draw(some.tuples(some.integers(0, 999), some.integers(0, 999)).filter(any))
    chosen = forward(targets, *numbers, **sticky(seconds))
    chosen["ForwardConfig"]["TargetGroups"].sort(key=lambda each: each["TargetGroupArn"], reverse=draw(some.booleans()))
    before = draw(some.lists(some.sampled_from([OIDC, COGNITO]), max_size=1))
    if secret:
        before = [_with_secret(each) for each in before]
    actions = [*before, chosen]
    if len(actions) > 1 or draw(some.booleans()):
        first = draw(some.integers(1, 100))
        actions = [{**each, "Order": first + 7 * place} for place, each in enumerate(actions)]
    return actions


def _with_secret(action: Document) -> Document:
    config = action.get("AuthenticateOidcConfig")
    return action if config is None else {**action, "AuthenticateOidcConfig": {**config, "ClientSecret": "s"}}
