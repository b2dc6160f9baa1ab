"""Splits live traffic: one file a backend, and the one table that knows them.

What must not be here: what the weights should be; that is ``smoke.rollout``.
"""

from collections.abc import Callable, Mapping

from infra.contract import Backend, Json
from smoke import table
from smoke.routers.envoy import EnvoyRouter
from smoke.routers.memory import MemoryRouter
from smoke.seams import Router

ROUTERS: dict[str, Callable[[Mapping[str, Json]], Router]] = {"envoy": EnvoyRouter, "memory": MemoryRouter.of}

__all__ = ["ROUTERS", "EnvoyRouter", "MemoryRouter", "router"]


def router(backend: Backend) -> Router:
    """The router that the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    return table.backend("router", ROUTERS, backend.kind)(backend.settings)
