"""The kinds of place a stack can live on, one file or folder each, and the one table that knows them.

Here belongs how a service is placed and routed on each kind of place. What must not be here: what a slot shall hold, which is for
``infra.release``, and anything that moves traffic.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from infra.targets.local import Local
from infra.targets.target import Site, Target

TARGETS: Mapping[str, Callable[[Site], Target]] = {"local": Local}


def target(kind: str, stack: str, project: Path) -> Target:
    """The target of that kind, for one stack of the project in a folder."""
    return TARGETS[kind](Site(stack, project))


__all__ = ["TARGETS", "Site", "Target", "target"]
