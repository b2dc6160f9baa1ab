"""The things a stack is made of on this machine: one file a kind or two, and the one table that knows them.

What must not be here: what a stack needs, and in which order; that is ``declaring``.
"""

from collections.abc import Mapping

from infra.targets.local.things.content import Environment, Source
from infra.targets.local.things.folder import Folder
from infra.targets.local.things.program import Program
from infra.targets.local.things.proxy import Proxy
from infra.targets.local.things.thing import Spec, Thing, ThingError
from infra.targets.local.things.ways import Fence, Route

THINGS: Mapping[str, Thing] = {
    "folder": Folder(),
    "source": Source(),
    "environment": Environment(),
    "program": Program(),
    "proxy": Proxy(),
    "route": Route(),
    "fence": Fence(),
}

__all__ = ["THINGS", "Spec", "Thing", "ThingError"]
