"""The kinds of place a stack can live on, one file or folder each, and the one table that knows them.

Here belongs how a service is placed and routed on each kind of place. What must not be here: what a slot shall hold, which is for
``infra.release``, and anything that moves traffic.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from infra.config import Document, FaultsError, Settings, broken_rules, settings_in
from infra.targets.docker import Docker
from infra.targets.kubernetes import Kubernetes
from infra.targets.local import Local
from infra.targets.target import Site, Target

TARGETS: Mapping[str, Callable[[Site], Target]] = {"docker": Docker, "kubernetes": Kubernetes, "local": Local}


def target(kind: str, stack: str, project: Path) -> Target:
    """The target of that kind, for one stack of the project in a folder."""
    return TARGETS[kind](Site(stack, project))


def settled(document: Document, site: Site) -> tuple[Settings, Target]:
    """The settings that a document holds, and the place they are for, which has all that they ask for.

    Raises:
        FaultsError: something is broken or missing; it has every fault that can be told at once.
    """
    settings = settings_in(document)
    place = target(settings.target, site.stack, site.project)
    faults = [*broken_rules(settings, document), *place.faults(settings, document)]
    if faults:
        raise FaultsError(faults)
    return settings, place


__all__ = ["TARGETS", "Site", "Target", "settled", "target"]
