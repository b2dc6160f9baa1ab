"""Splits live traffic: one file a backend, and the one table that knows them.

What must not be here: what the weights should be; that is ``smoke.rollout``.
"""

from collections.abc import Mapping

from infra.contract import Backend
from smoke import table
from smoke.seams import Router

ROUTERS: Mapping[str, str] = {
    "alb": "smoke.routers.alb:AlbRouter",
    "envoy": "smoke.routers.envoy:EnvoyRouter",
    "gateway": "smoke.routers.gateway:GatewayRouter",
    "memory": "smoke.routers.memory:MemoryRouter.of",
}

__all__ = ["ROUTERS", "router"]


def router(backend: Backend) -> Router:
    """The router that the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    made: Router = table.backend("router", ROUTERS, backend.kind)(backend.settings)
    return made
