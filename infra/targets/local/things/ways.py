"""How traffic, or work, finds a slot: made once, and from then on the driver's alone."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from infra.contract import route_document
from infra.contract.document import Json
from infra.targets.local.home import SLOTS, Home, write_whole
from infra.targets.local.things.thing import Spec


class Route:
    """The route file of a service."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have one; what is there stays as it is."""
        weights = {slot: 100 if slot == spec["start"] else 0 for slot in SLOTS}
        _make_once(home.route(spec["service"]), route_document(spec["service"], weights, version="0", sticky=spec["sticky"]))
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Remove it."""
        home.route(spec["service"]).unlink(missing_ok=True)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there; what it says is not ours to ask."""
        return home.route(spec["service"]).exists()


class Fence:
    """The fence of a singleton."""

    KEPT: ClassVar[bool] = True

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have one; what is there stays as it is."""
        # The time, not 1: a fence that was lost and is made anew must not give out a token that was given out before.
        _make_once(home.fence(spec["service"]) / "fence.json", {"holder": spec["start"], "token": int(time.time())})
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """Remove it."""
        shutil.rmtree(home.fence(spec["service"]), ignore_errors=True)

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether it is there."""
        return (home.fence(spec["service"]) / "fence.json").exists()


def _make_once(file: Path, document: Json) -> None:
    if not file.exists():
        write_whole(file, json.dumps(document, indent=1))
