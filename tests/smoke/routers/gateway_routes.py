"""Routes of the Gateway API as the API server has them, and what gateways say of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.contract import Json
from infra.contract.route import kept
from smoke.routers.gateway_rules import Ours

Document = Mapping[str, Any]

NAMESPACE, NAME = "shop", "api"
OURS = Ours("crossfade", {"blue": "api-blue", "green": "api-green"})
KEPT = {"blue": "crossfade-blue", "green": "crossfade-green"}
STICKY = Ours(OURS.rule, OURS.backends, KEPT)
SETTINGS = {"namespace": NAMESPACE, "route": NAME, "backends": dict(OURS.backends)}


def backend(name: str, weight: int | None, **more: Json) -> dict[str, Any]:
    """One backend of a rule; None: its weight is not said."""
    said = {} if weight is None else {"weight": weight}
    return {"name": name, "port": 80, **said, **more}


def rule(blue: int | None = 100, green: int | None = 0, *others: Document, **more: Json) -> dict[str, Any]:
    """Our rule, with backends of others behind ours."""
    return {"name": "crossfade", "backendRefs": [backend("api-blue", blue), backend("api-green", green), *others], **more}


def sticky(blue: int = 100) -> list[dict[str, Any]]:
    """Our rules where browsers are kept on their slot, all with one share."""
    return [rule(blue, 100 - blue), *(rule(blue, 100 - blue, name=name, matches=[_holder(slot)]) for slot, name in KEPT.items())]


def _holder(slot: str) -> dict[str, Any]:
    return {"headers": [{"name": "cookie", "type": "RegularExpression", "value": kept("api", slot)}]}


def route(*rules: Document, namespace: str = NAMESPACE, gateways: Sequence[str] = ("front",), **spec: Json) -> dict[str, Any]:
    """A route to apply: by default with our rule alone, all on blue."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"parentRefs": [{"name": each} for each in gateways], "rules": list(rules or [rule()]), **spec},
    }


def read(*rules: Document, generation: int = 1, said: Sequence[Document] = (), **more: Json) -> dict[str, Any]:
    """The same as it is read."""
    document = route(*rules, **more)
    document["metadata"] |= {"generation": generation, "resourceVersion": "7", "uid": "u"}
    return {**document, "status": {"parents": list(said)}}


def report(
    generation: int = 1, gateway: str = "front", *, accepted: str = "True", resolved: str = "True", reason: str = "Told"
) -> dict[str, Any]:
    """What a gateway's controller says of a generation."""
    said = {"Accepted": accepted, "ResolvedRefs": resolved}
    conditions = [
        {
            "type": name,
            "status": status,
            "reason": reason,
            "message": f"it is {status}",
            "observedGeneration": generation,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for name, status in said.items()
    ]
    return {"parentRef": {"name": gateway}, "controllerName": "crossfade.test/gateway", "conditions": conditions}
