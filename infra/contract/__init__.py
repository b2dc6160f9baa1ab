"""The words that ``infra`` and ``smoke`` share: what a deployed stack says of itself, and the route document.

Here belong frozen values, their JSON form and nothing else; standard library only, and no input or output.
What must not be here: anything that only one side needs.
"""

from infra.contract.document import (
    FORMAT,
    VERSION_HEADER,
    Backend,
    Contract,
    ContractError,
    Json,
    Metric,
    Placement,
    Service,
    fingerprint,
    short,
)
from infra.contract.route import RouteError, reached_in, route_document, weights_in

__all__ = [
    "FORMAT",
    "VERSION_HEADER",
    "Backend",
    "Contract",
    "ContractError",
    "Json",
    "Metric",
    "Placement",
    "RouteError",
    "Service",
    "fingerprint",
    "reached_in",
    "route_document",
    "short",
    "weights_in",
]
