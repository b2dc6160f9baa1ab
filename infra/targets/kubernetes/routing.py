"""The route of a service as a document of the cluster's API. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.config.settings import Service
from infra.contract.document import Json
from infra.contract.route import SLOT_HEADER, keeping, kept
from infra.targets.kubernetes.layout import KEPT, RULE, SLOTS, WHOLE, Layout

ROUTES = ("gateway.networking.k8s.io/v1", "HTTPRoute")
"""Version and kind of a route."""


@dataclass(frozen=True, slots=True)
class Way:
    """How traffic comes to the slots of a service."""

    layout: Layout
    name: str
    """Of the service."""
    settings: Service
    serving: str
    """The slot that gets all requests."""
    told: bool
    """Whether a request says which slot it is for. Envoy counts slots apart only where something of theirs differs."""

    def route(self) -> Mapping[str, Json]:
        """All of it on one slot. Its rules are written once: from then on they are the router's.

        Where it is sticky, each slot has a rule of its own for the browsers that are kept on it. That leads to both slots, as
        the other does: whoever is kept on a slot that is given up goes to the other one, and is kept there.
        """
        namespace, gateway = self.layout.door
        listener = self.settings.listener
        parent = {"namespace": namespace, "name": gateway, **({} if listener is None else {"sectionName": listener})}
        return {
            "metadata": self.layout.seat(self.name, None).metadata,
            "spec": {
                "parentRefs": [parent],
                **({"hostnames": list(self.settings.hosts)} if self.settings.hosts else {}),
                "rules": [self._rule(RULE, None), *(self._rule(KEPT[slot], slot) for slot in SLOTS if self._sticky)],
            },
        }

    @property
    def _sticky(self) -> bool:
        return self.settings.kind == "sticky-http"

    def _rule(self, rule: str, pinned: str | None) -> Mapping[str, Json]:
        """Both slots' shares of all requests, or of those by browsers that are kept on one slot."""
        match: dict[str, Json] = {"path": {"type": "PathPrefix", "value": "/"}}
        if pinned is not None:
            match["headers"] = [{"name": "cookie", "type": "RegularExpression", "value": kept(self.name, pinned)}]
        return {"name": rule, "matches": [match], "backendRefs": [self._share(slot, pinned) for slot in SLOTS]}

    def _share(self, slot: str, pinned: str | None) -> Mapping[str, Json]:
        filters = [_telling(slot)] if self.told else []
        # Who is kept already is not told again: it would be for ever.
        if self._sticky and slot != pinned:
            filters.append(_adding(keeping(self.name, slot, int(self.settings.affinity))))
        return {
            "name": self.layout.seat(self.name, slot).name,
            "port": self.settings.port,
            "weight": WHOLE if slot == self.serving else 0,
            **({"filters": filters} if filters else {}),
        }


def _telling(slot: str) -> Mapping[str, Json]:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": SLOT_HEADER, "value": slot}]}}


def _adding(cookie: str) -> Mapping[str, Json]:
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "Set-Cookie", "value": cookie}]}}
